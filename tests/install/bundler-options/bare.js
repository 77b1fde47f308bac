import { Payments } from './node_modules/payments-wasm/index.js';
import { page } from './page.js';

page(Payments);
