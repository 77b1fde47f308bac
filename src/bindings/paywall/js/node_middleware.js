// The gate in front of the handlers of a framework on `node:http`: Express, Fastify. What the handlers write to the response is taken as the answer that
// the gate charges for, and what the gate gives is written in its place.
import { AsyncLocalStorage } from 'node:async_hooks';
import { paywall } from 'payments-wasm/paywall';
import { addressOf, headersOf, refuse, send } from './node_server.js';
import { captured } from './node_capture.js';
import { IN_DOUBT, functionOf, mostOf, ofPayments, wholeNumber } from './of_payments.js';

/** The header in which a price that is known after the handler reaches the gate, which takes it away. */
const PRICE = 'x-payments-wasm-credits';

/**
 * Makes the middleware: `(incoming, outgoing, { views, mount, address, protocol, host, path }, next)`. `views` are the framework's own request and response,
 * which hooks and prices get; `path` is what the framework routes by, with the query; `next` runs the handlers.
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
  /** The gates by the number of segments that they are mounted at. Each has a state of its own, so a spelling of the mount makes no gate. */
  const gates = new Map();

  /** The gate for the routes under a mount. A price by a function is verified for the most that the plan allows. */
  async function made(depth) {
    const configured = await Promise.all(Object.entries(routes).map(async ([key, route]) => [
      mounted(key, depth), functionOf(route) ? { ...route, credits: { by: 'origin', name: PRICE, most: await mostOf(payments, route) } } : route,
    ]));
    return paywall(() => { throw new Error('the framework has the handlers'); }, {
      unlisted: 'pass', state: 'memory', log: false, ...ofPayments(payments), ...rest, ...hooks, routes: Object.fromEntries(configured),
      address: () => current.getStore().address,
    });
  }

  function gateAt(depth) {
    if (!gates.has(depth)) {
      gates.set(depth, made(depth).catch((error) => {
        gates.delete(depth);
        throw error;
      }));
    }
    return gates.get(depth);
  }

  async function middleware(incoming, outgoing, facts, next) {
    const depth = facts.mount.split('/').length - 1;
    const gate = await gateAt(depth);
    const gone = new AbortController();
    outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new Error('the client went away')); });
    let url;
    let request;
    try {
      // A framework finds a handler for an absolute address too, and reads it in its own way.
      if (!facts.path.startsWith('/')) throw new Error('no path');
      url = addressOf(/^https?$/.test(facts.protocol) ? facts.protocol : 'http', facts.host, facts.path);
      request = new Request(url, { method: incoming.method, headers: headersOf(incoming), signal: gone.signal });
    } catch {
      facts.written?.();
      return refuse(outgoing);
    }
    let capture;
    let passed = false;
    const answer = await current.run({ views: facts.views, outgoing, address: facts.address }, () => gate.serve(request, undefined, undefined, async (_, { paymentContext }) => {
      if (!paymentContext) {
        if (facts.inDoubt) return Response.json(IN_DOUBT, { status: 400 });
        passed = true;
        next();
        return new Response(null, { status: 204 });
      }
      facts.views.request.paymentContext = paymentContext;
      const price = functionOf(routes[Object.keys(routes).find((key) => mounted(key, depth) === paymentContext.route)]);
      capture = captured(outgoing, { whole: price !== undefined });
      next();
      const response = await capture.response;
      if (price) response.headers.set(PRICE, wholeNumber(await price(facts.views.request, facts.views.response)));
      return response;
    }, url));
    if (passed) return;
    // The framework is told of an answer that no handler gave.
    if (!capture) facts.written?.();
    await send(answer, capture?.real ?? outgoing, incoming.method === 'HEAD');
  }

  return Object.assign(middleware, {
    /** Reads the plans and the options; rejects where one is wrong. */
    ready: async () => (await gateAt(0)).ready(),
    close: async () => Promise.all([...gates.values()].map(async (one) => (await one).close())),
  });
}

/** The key of a route where the framework has mounted the middleware, so many segments deep: the gate knows whole paths. */
const mounted = (key, depth) => key.replace('/', `${'/:mount'.repeat(depth)}/`);
