// The WebAssembly of the dialects for Workers, where it may not be compiled from bytes: the runtime hands over a module.
export { default } from './dialects_bg.wasm';
