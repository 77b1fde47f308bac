/**
 * A WebAssembly of the package as a file. What the import gives is for the bundler to say: an address, bytes, or a `WebAssembly.Module`; `init` takes
 * each.
 */
declare const wasm: string | Uint8Array | object;
export default wasm;
