import { paymentMiddleware } from 'payments-wasm/next';
import { payments, route } from './seller.js';

export const middleware = paymentMiddleware(payments, { 'POST /api/behind/ask': route });
export const config = { matcher: ['/api/behind/:path*'] };
