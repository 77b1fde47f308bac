import { Payments } from 'payments-wasm';
import { payAndReport } from './pay.js';

console.log(JSON.stringify(await payAndReport(Payments, JSON.parse(process.env.CONFIG))));
