import { Payments } from 'payments-wasm';
import { told } from './pay.js';

export default { fetch: async (request) => Response.json(await told(Payments, await request.json())) };
