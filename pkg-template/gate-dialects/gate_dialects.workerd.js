// The WebAssembly of the gate's dialects for Workers, where it may not be compiled from bytes: the runtime hands over a module.
export { default } from './gate_dialects_bg.wasm';
