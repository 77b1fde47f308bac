// What callers give, where JavaScript has to look at it before the core does.
export { wrong } from '../../subscriber/js/options.js';
