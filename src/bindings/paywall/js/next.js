// `payments-wasm/next`: the gate for route handlers of Next.js, and as its middleware.
import { paywall } from 'payments-wasm/paywall';
import { ofPayments } from './of_payments.js';

/**
 * A route handler that is paid for: `export const POST = paidRoute(payments, { planId, credits: 1 }, async (request) => Response.json(…))`. The handler gets what
 * Next.js gives it, and `paymentContext` in its second argument.
 */
export function paidRoute(payments, route, handler, options = {}) {
  const gate = paywall(() => { throw new Error('the route has the handler'); }, {
    unlisted: 'deny', log: false, ...ofPayments(payments), ...options, routes: { '* /*path': route, '* /': route },
  });
  const paid = (request, context) => gate.serve(request, undefined, undefined, (forwarded, { paymentContext }) => handler(forwarded, { ...context, paymentContext }));
  return Object.assign(paid, { ready: gate.ready, close: gate.close });
}

/** The header by which a request that the middleware sends on is known when it comes again. */
const INSIDE = 'x-payments-wasm-inside';

/**
 * A middleware: `export const middleware = paymentMiddleware(payments, routes)`. A paid request goes to the application once more, from here, so that its answer
 * is charged for; any other goes on as it is.
 */
export function paymentMiddleware(payments, routes, options = {}) {
  const { origin, ...rest } = options;
  const account = ofPayments(payments);
  const gate = paywall(() => { throw new Error('the application has the handlers'); }, { unlisted: 'pass', log: false, ...account, ...rest, routes });
  let word;
  const middleware = async (request) => {
    word ??= await wordOf(account.nvmApiKey);
    const headers = new Headers(request.headers);
    if (headers.get(INSIDE) === word) return undefined;
    headers.delete(INSIDE);
    let passed = false;
    const answer = await gate.serve(new Request(request, { headers }), undefined, undefined, async (forwarded, { paymentContext }) => {
      if (!paymentContext) {
        passed = true;
        return new Response(null, { status: 204 });
      }
      const inside = new Request(origin ? new URL(new URL(forwarded.url).pathname + new URL(forwarded.url).search, origin) : forwarded.url, forwarded);
      inside.headers.set(INSIDE, word);
      return fetch(inside, { redirect: 'manual' });
    });
    return passed ? undefined : answer;
  };
  return Object.assign(middleware, { ready: gate.ready, close: gate.close });
}

/** A word that only who has the key can make: the same in each process of the application. */
async function wordOf(key) {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await crypto.subtle.sign('HMAC', secret, encoder.encode('payments-wasm: inside'));
  return Array.from(new Uint8Array(signed), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
