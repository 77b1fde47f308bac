import { Payments } from 'payments-wasm';
import { page } from './page.js';

page(Payments);
