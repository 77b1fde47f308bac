import { Payments } from 'payments-wasm';
import { payAndReport } from '../../../pay.js';

export const runtime = 'nodejs';
export const POST = async (request) => Response.json(await payAndReport(Payments, await request.json()));
