// The package's entry for pages through a bundler, which leaves out what is not imported: the same as index.js, and the functions, fixed values and classes
// of the official SDK that need no instance.
export * from './index.js';
export * from './official.js';
export { default } from './index.js';
