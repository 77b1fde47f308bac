// The terminal of the commands here is that of the package's.
export * from '../../src/cli/terminal.js';
