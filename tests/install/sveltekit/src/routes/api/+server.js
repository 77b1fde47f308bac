import { json } from '@sveltejs/kit';
import { Payments } from 'payments-wasm';
import { payAndReport } from '../../../pay.js';

export const POST = async ({ request }) => json(await payAndReport(Payments, JSON.parse(await request.text())));
