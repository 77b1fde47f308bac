import { paidRoute } from 'payments-wasm/next';
import { answered, payments, route } from '../../../../seller.js';

export const runtime = 'nodejs';
export const POST = paidRoute(payments, route, async (request, { paymentContext }) => {
  if (request.nextUrl.pathname !== '/api/gated/ask' || request.cookies.get('who')?.value !== undefined || !paymentContext.payer) throw new Error('this is not what Next.js gives');
  return answered(request);
});
