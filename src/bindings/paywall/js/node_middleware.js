// The gate in front of the handlers of a framework on `node:http`: Express, Fastify. What the handlers write to the response is taken as the answer that
// the gate charges for, and what the gate gives is written in its place.
import { AsyncLocalStorage } from 'node:async_hooks';
import { paywall } from 'payments-wasm/paywall';
import { send, headersOf } from './node_server.js';
import { captured } from './node_capture.js';
import { functionOf, mostOf, ofPayments, wholeNumber } from './of_payments.js';

/** The header in which a price that is known after the handler reaches the gate, which takes it away. */
const PRICE = 'x-payments-wasm-credits';

/** Gates of one middleware by the path that it is mounted at; there are never more. */
const MOST_MOUNTS = 64;

/**
 * Makes the middleware: `(incoming, outgoing, { views, mount, address, protocol }, next)`. `views` are the framework's own request and response, which hooks
 * and prices get; `next` runs the handlers.
 */
export function nodeMiddleware(payments, routes, options = {}) {
  const { onBeforeVerify, onAfterVerify, onAfterSettle, onPaymentError, ...rest } = options;
  /** The request that the code which runs now is about. */
  const current = new AsyncLocalStorage();
  const withOwnRequest = (hook) => hook && ((request, ...facts) => hook(current.getStore().views.request, ...facts));
  const hooks = {
    onBeforeVerify: withOwnRequest(onBeforeVerify), onAfterVerify: withOwnRequest(onAfterVerify), onAfterSettle: withOwnRequest(onAfterSettle),
    onPaymentError: onPaymentError && (async (error) => {
      const { views, outgoing } = current.getStore();
      const capture = captured(outgoing, { whole: true });
      try {
        await onPaymentError(error, views.request, views.response);
        return capture.ended ? await capture.response : undefined;
      } finally {
        capture.release();
      }
    }),
  };
  const gates = new Map();

  /** The gate for the routes under a mount. A price by a function is verified for the most that the plan allows. */
  async function made(mount) {
    const configured = await Promise.all(Object.entries(routes).map(async ([key, route]) => [
      mounted(key, mount), functionOf(route) ? { ...route, credits: { by: 'origin', name: PRICE, most: await mostOf(payments, route) } } : route,
    ]));
    return paywall(() => { throw new Error('the framework has the handlers'); }, {
      unlisted: 'pass', state: 'memory', log: false, ...ofPayments(payments), ...rest, ...hooks, routes: Object.fromEntries(configured),
      address: () => current.getStore().address,
    });
  }

  function gateAt(mount) {
    if (!gates.has(mount)) {
      if (gates.size >= MOST_MOUNTS) gates.delete(gates.keys().next().value);
      gates.set(mount, made(mount).catch((error) => {
        gates.delete(mount);
        throw error;
      }));
    }
    return gates.get(mount);
  }

  async function middleware(incoming, outgoing, facts, next) {
    const gate = await gateAt(facts.mount);
    const gone = new AbortController();
    outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new Error('the client went away')); });
    const request = new Request(facts.url, { method: incoming.method, headers: headersOf(incoming), signal: gone.signal });
    let capture;
    let passed = false;
    const answer = await current.run({ views: facts.views, outgoing, address: facts.address }, () => gate.serve(request, undefined, undefined, async (_, { paymentContext }) => {
      if (!paymentContext) {
        passed = true;
        next();
        return new Response(null, { status: 204 });
      }
      facts.views.request.paymentContext = paymentContext;
      const price = functionOf(routes[Object.keys(routes).find((key) => mounted(key, facts.mount) === paymentContext.route)]);
      capture = captured(outgoing, { whole: price !== undefined });
      next();
      const response = await capture.response;
      if (price) response.headers.set(PRICE, wholeNumber(await price(facts.views.request, facts.views.response)));
      return response;
    }));
    if (passed) return;
    // The framework is told of an answer that no handler gave.
    if (!capture) facts.written?.();
    await send(answer, capture?.real ?? outgoing, incoming.method === 'HEAD');
  }

  return Object.assign(middleware, {
    /** Reads the plans and the options; rejects where one is wrong. */
    ready: async () => (await gateAt('')).ready(),
    close: async () => Promise.all([...gates.values()].map(async (one) => (await one).close())),
  });
}

/** The key of a route where the framework has mounted the middleware: the gate knows whole paths. */
const mounted = (key, mount) => (mount ? key.replace('/', `${mount}/`) : key);
