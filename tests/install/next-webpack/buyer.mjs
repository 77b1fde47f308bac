import { Payments } from 'payments-wasm';
import { told } from './pay.js';

console.log(JSON.stringify(await told(Payments, JSON.parse(process.env.CONFIG))));
