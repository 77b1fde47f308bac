// The public types of `payments-wasm`. `index.d.ts` of the package has all of them in one file; here each subject has a file, and none imports another.
import { readFileSync } from 'node:fs';
import { repoPath } from './run.mjs';

const SUBJECTS = {
  subscriber: ['consent', 'fetch', 'platform', 'errors', 'payments'],
  builder: ['plans', 'facilitator', 'organizations', 'mpp', 'observability', 'parts', 'functions'],
};

/** The files of the types, in the order of `index.d.ts`. */
export const TYPE_FILES = Object.entries(SUBJECTS).flatMap(([part, names]) => names.map((name) => `src/bindings/${part}/types/${name}.d.ts`));

/** The text of the types, in which `// options: NAME` stands for a shape of the options. */
export const publicTypes = () => TYPE_FILES.map((path) => readFileSync(repoPath(path), 'utf8')).join('\n');
