// Loads the sellers' WebAssembly when it is first needed, in Node, Deno, Bun and pages.
import { loader, opened } from './load.js';
import start, * as core from './seller.js';
import { file } from './seller.file.js';

/** A function that gives the glue, its wasm started; `fail(message, facts)` makes the error. */
export const create = (fail) => loader({ start, glue: core, open: () => opened(file()), fail });
