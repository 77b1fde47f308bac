import { Payments } from 'payments-wasm';
import { told } from '../pay.js';

onmessage = async ({ data }) => postMessage(await told(Payments, data));
