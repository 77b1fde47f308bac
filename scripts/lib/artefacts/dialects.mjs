// Other dialects of 402: a part of the npm package that it loads when an answer speaks one.
import { finishSpeaking } from './speaking.mjs';

export default {
  features: 'dialects',
  name: 'dialects',
  template: 'pkg-template/dialects',
  quiet: true,
  bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
  opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
  finish: finishDialects,
};

/** Makes the part of the npm package that speaks other dialects: one script with its glue, and packed wasm. */
function finishDialects(work, built) {
  return finishSpeaking(work, built, 'dialects', 'src/bindings/dialects/js');
}
