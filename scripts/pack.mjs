// npm run pack: builds the npm package and leaves it as target/payments-wasm.tgz.
import { main } from './lib/cli.mjs';
import { pack } from './lib/pack.mjs';

main(() => pack().then(() => undefined));
