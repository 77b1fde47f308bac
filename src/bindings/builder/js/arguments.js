// Checks of callers' arguments that JavaScript must make before the core sees them.
export { wrong } from '../../subscriber/js/options.js';
