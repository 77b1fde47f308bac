import { Payments } from 'payments-wasm';
import { told } from '../../../pay.js';

export const runtime = 'nodejs';
export const POST = async (request) => Response.json(await told(Payments, await request.json()));
