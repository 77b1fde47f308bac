// The same for sellers: a part of the npm package that the paywall loads where its options ask for one.
import { finishSpeaking } from './speaking.mjs';

export default {
  features: 'gate-dialects',
  name: 'gate_dialects',
  template: 'pkg-template/gate-dialects',
  quiet: true,
  bindgen: ['--omit-default-module-path', '--remove-name-section', '--remove-producers-section', '--no-typescript'],
  opt: ['-Oz', '--strip-debug', '--strip-producers', '--minify-imports-and-exports-and-modules'],
  finish: finishGateDialects,
};

/** The same for a gate. */
function finishGateDialects(work, built) {
  return finishSpeaking(work, built, 'gate_dialects', 'src/bindings/gate_dialects/js');
}
