// Where the wasm is a file of its own. Bundlers that know this line take the file along and put its address here.
export const file = () => new URL('./gate_bg.wasm', import.meta.url);
