// Runs publint and arethetypeswrong on the tarball.
import { repoPath } from '../../../scripts/lib/run.mjs';

export default {
  title: 'publint, @arethetypeswrong/cli', quick: true,
  build: [['publint', 'node_modules/payments-wasm', '--strict'], ['attw', repoPath('target/payments-wasm.tgz'), '--format', 'table-flipped']],
  run() {},
};
