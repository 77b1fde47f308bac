// npm run docs: writes what is made from data and kept: pages of the documentation, the gate's schema and table, the command line's.
import { writeFileSync } from 'node:fs';
import { MADE } from './lib/options.mjs';
import { repoPath } from './lib/run.mjs';

for (const [path, make] of Object.entries(MADE)) writeFileSync(repoPath(path), make());
