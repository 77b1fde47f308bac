import { repoPath } from './run.mjs';

/** Where an artefact stands when it is built. */
export const dist = (artefact, ...parts) => repoPath('target/dist', artefact, ...parts);
