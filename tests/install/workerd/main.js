import { Payments } from 'payments-wasm';
import { payAndReport } from './pay.js';

export default { fetch: async (request) => Response.json(await payAndReport(Payments, await request.json())) };
