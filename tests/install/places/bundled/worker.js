import { Payments } from 'payments-wasm';
import { payAndReport } from '../pay.js';

onmessage = async ({ data }) => postMessage(await payAndReport(Payments, data));
