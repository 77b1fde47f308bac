// Where the wasm is a file of its own. Bundlers that know this line take the file along and put its address here.
// Under Next.js webpack puts an address of the site here, also for Node, where the file is in the package.
export const file = () => {
  const url = new URL('./gate_bg.wasm', import.meta.url);
  const { process } = globalThis;
  return /^\/.*_next\//.test(url) && process ? process.getBuiltinModule('node:module').createRequire(`${process.cwd()}/`).resolve('payments-wasm/gate.wasm') : url;
};
