import { json } from '@sveltejs/kit';
import { Payments } from 'payments-wasm';
import { told } from '../../../pay.js';

export const POST = async ({ request }) => json(await told(Payments, JSON.parse(await request.text())));
