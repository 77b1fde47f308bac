import { Payments } from 'payments-wasm/inline';
import { page } from './page.js';

page(Payments);
