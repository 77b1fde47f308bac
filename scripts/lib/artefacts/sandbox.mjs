// The sandbox as it is deployed. Names stay in its wasm, for stack traces.
export default {
  crate: 'payments-wasm-sandbox',
  name: 'sandbox',
  template: 'pkg-template/sandbox',
  bindgen: ['--experimental-reset-state-function', '--force-enable-abort-handler', '--no-typescript'],
  // Its `worker` crate catches what JavaScript throws.
  opt: ['--debuginfo', '--enable-exception-handling'],
};
