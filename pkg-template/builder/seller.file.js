// Where the wasm is a file of its own. Bundlers for pages know this line, take the file along and put its address here.
export const file = () => new URL('./seller_bg.wasm', import.meta.url);
