// A service behind a paywall: the handler is called only when a request is paid for, or open.
import { PaywallState, paywall } from 'payments-wasm/paywall';
import options from '../routes.json';

async function handler(request, { paymentContext }) {
  const { pathname } = new URL(request.url);
  if (pathname === '/health') return new Response('ok\n');
  const { question = '' } = await request.json().catch(() => ({}));
  return Response.json({ answer: `You asked: ${question}`, payer: paymentContext?.payer });
}

// State that must be true once for all isolates; bound in wrangler.toml.
export { PaywallState };

export default { fetch: paywall(handler, options) };
