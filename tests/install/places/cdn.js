import { Payments } from '/cdn/payments-wasm@1.2.3/index.js';
import { page } from './page.js';

page(Payments);
