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
 * Makes the middleware: `(incoming, outgoing, { views, mount, address, protocol, host, path, asked }, next)`. `views` are the framework's own request and
 * response, which hooks and prices get; `path` is what the framework routes by, with the query, and `asked` is as the client wrote it; `next` runs the handlers.
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
  /** The gates by the number of segments that they are mounted at, or `WHOLE`. Each has a state of its own, so a spelling of the mount makes no gate. */
  const gates = new Map();
  const { openRoutes } = rest;
  /** Routes that have a meaning as whole paths below any mount: which of them begin with a parameter, nobody can tell. */
  const whole = Object.fromEntries(Object.entries(routes).filter(([key]) => !/\/[:*]/.test(key.slice(0, key.indexOf('/') + 2))));

  /** The gate for the routes under a mount. A price by a function is verified for the most that the plan allows. */
  async function made(depth) {
    const isWhole = depth === WHOLE;
    const configured = await Promise.all(Object.entries(isWhole ? whole : routes).map(async ([key, route]) => [
      mounted(key, depth), functionOf(route) ? { ...route, credits: { by: 'origin', name: PRICE, most: await mostOf(payments, route) } } : route,
    ]));
    return paywall(() => { throw new Error('the framework has the handlers'); }, {
      unlisted: 'pass', state: 'memory', log: false, ...ofPayments(payments), ...rest, ...hooks, routes: Object.fromEntries(configured),
      ...(Array.isArray(openRoutes) && { openRoutes: openRoutes.map((key) => mounted(key, depth)) }), ...(isWhole && { unlisted: 'pass' }),
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

  /**
   * How a request may be read, what the framework routes by first: it passes unpaid only where each reading does. Somebody in front may have given it another
   * path; and the routes may be whole paths all the same, as where the middleware is mounted at its own route, or at all: `app.use('*', middleware)`.
   */
  function readings({ mount, path, asked }) {
    const depth = mount.split('/').length - 1;
    const found = [[depth, path]];
    if (asked !== path) found.push([depth, asked]);
    if (depth > 0 && Object.keys(whole).length > 0) found.push([WHOLE, mount + path.slice(mount.length).replace(/^\/(?=\?|$)/, '')]);
    return found;
  }

  async function middleware(incoming, outgoing, facts, next) {
    const gone = new AbortController();
    outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new Error('the client went away')); });
    const headers = headersOf(incoming);
    // A socket that somebody opens beside the answers cannot be charged for: of a paid route the gate refuses it.
    if (incoming.upgrade) headers.set('upgrade', 'none');
    for (const [depth, path] of readings(facts)) {
      const gate = await gateAt(depth);
      let url;
      let request;
      try {
        // A framework finds a handler for an absolute address too, and reads it in its own way.
        if (!path.startsWith('/')) throw new Error('no path');
        url = addressOf(/^https?$/.test(facts.protocol) ? facts.protocol : 'http', facts.host, path);
        request = new Request(url, { method: incoming.method, headers, signal: gone.signal });
      } catch {
        facts.written?.();
        return refuse(outgoing);
      }
      let capture;
      let passed = false;
      const answer = await current.run({ views: facts.views, outgoing, address: facts.address }, () => gate.serve(request, undefined, undefined, async (forwarded, { paymentContext }) => {
        if (!paymentContext) {
          if (facts.inDoubt) return Response.json(IN_DOUBT, { status: 400 });
          passed = true;
          if (!handed.has(incoming)) dropHeaders(incoming, headers, forwarded.headers);
          return new Response(null, { status: 204 });
        }
        facts.views.request.paymentContext = paymentContext;
        dropHeaders(incoming, headers, forwarded.headers);
        forwarded.headers.forEach((value, name) => { if (name.startsWith('x-payment-')) incoming.headers[name] = value; });
        handed.add(incoming);
        const price = functionOf(routes[Object.keys(routes).find((key) => mounted(key, depth) === paymentContext.route)]);
        capture = captured(outgoing, { whole: price !== undefined });
        next();
        const response = await capture.response;
        if (price) response.headers.set(PRICE, wholeNumber(await price(facts.views.request, facts.views.response)));
        return response;
      }, url));
      if (passed) continue;
      // The framework is told of an answer that no handler gave.
      if (!capture) facts.written?.();
      return send(answer, capture?.real ?? outgoing, incoming.method === 'HEAD');
    }
    next();
  }

  return Object.assign(middleware, {
    /** Reads the plans and the options; rejects where one is wrong. */
    ready: async () => (await gateAt(0)).ready(),
    close: async () => Promise.all([...gates.values()].map(async (one) => (await one).close())),
  });
}

/** Requests whose headers say who has paid: another gate behind, which lets them pass, leaves them. */
const handed = new WeakSet();

/** Headers that are not the client's to send: facts of a payment, and another method, path or host than the request's own. A gate behind may need the rest. */
const CLAIMS = /^x[-_.](payment[-_.](?!pass$)|http|method|envoy|forwarded|original|rewrite)/;

/** Takes from a request the claims of its client that the gate does not send on. */
function dropHeaders(incoming, given, forwarded) {
  const dropped = [...given.keys()].filter((name) => CLAIMS.test(name) && (!forwarded.has(name) || name.startsWith('x-payment-')));
  for (const name of dropped) delete incoming.headers[name];
  if (dropped.length === 0) return;
  for (let at = incoming.rawHeaders.length - 2; at >= 0; at -= 2) if (dropped.includes(incoming.rawHeaders[at].toLowerCase())) incoming.rawHeaders.splice(at, 2);
}

/** In the place of a depth: the routes as whole paths, wherever the middleware is mounted. */
const WHOLE = 'whole';

/** The key of a route where the framework has mounted the middleware, so many segments deep: the gate knows whole paths. */
const mounted = (key, depth) => (depth === WHOLE ? key : key.replace('/', `${'/:mount'.repeat(depth)}/`));
