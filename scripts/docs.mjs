// npm run docs: writes the pages of the documentation that are made from data.
import { writeFileSync } from 'node:fs';
import { errorPages, optionTables } from './lib/options.mjs';
import { at } from './lib/run.mjs';

writeFileSync(at('docs/options.md'), optionTables());
writeFileSync(at('docs/errors.md'), errorPages());
