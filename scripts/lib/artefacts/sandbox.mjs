// The sandbox as it is deployed. Names stay in its wasm, for stack traces.
export default {
  crate: 'payments-wasm-sandbox',
  name: 'sandbox',
  template: 'pkg-template/sandbox',
  bindgen: ['--experimental-reset-state-function', '--force-enable-abort-handler', '--no-typescript'],
  opt: ['--debuginfo'],
};
