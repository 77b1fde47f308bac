import { paymentMiddleware } from 'payments-wasm/next';
import { payments, route } from './seller.js';

export const proxy = paymentMiddleware(
  payments, { 'POST /api/behind/ask': route, 'GET /api/behind/tools/:name': route }, { openRoutes: ['GET /api/behind/tools/free'] },
);
export const config = { matcher: ['/api/behind/:path*'] };
