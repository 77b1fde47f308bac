// A service behind a paywall: the handler is called only when a request is paid for, or open.
import { PaywallState, paywall } from 'payments-wasm/paywall';
import type { HandlerContext } from 'payments-wasm/paywall';
import options from '../routes.json';

/** The variables and bindings of this Worker, as wrangler.toml and its secrets name them. */
interface Env {
  NVM_API_KEY: string;
  NVM_ENVIRONMENT: string;
}

async function handler(request: Request, { paymentContext }: HandlerContext<Env>): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === '/health') return new Response('ok\n');
  const { question = '' }: { question?: string } = await request.json().catch(() => ({}));
  return Response.json({ answer: `You asked: ${question}`, payer: paymentContext?.payer });
}

// State that must be true once for all isolates; bound in wrangler.toml.
export { PaywallState };

export default { fetch: paywall<Env>(handler, options) };
