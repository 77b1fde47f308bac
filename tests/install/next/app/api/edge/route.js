import { Payments } from 'payments-wasm';
import { payAndReport } from '../../../pay.js';

export const runtime = 'edge';
export const POST = async (request) => Response.json(await payAndReport(Payments, await request.json()));
