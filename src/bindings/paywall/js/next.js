// `payments-wasm/next`: the gate for route handlers of Next.js, and as its middleware.
import { paywall } from 'payments-wasm/paywall';
import { hex } from '../../http/hex.js';
import { IN_DOUBT, ofPayments } from './of_payments.js';

/** A gate that is made with the first request: while the application is built there is no key. `make(payments)` gives it. */
function later(payments, make) {
  let made;
  const gate = () => (made ??= make(typeof payments === 'function' ? payments() : payments));
  return { gate, methods: { ready: async () => gate().ready(), close: async () => made?.close() } };
}

/** Members that only requests of Next.js have. Their class takes other arguments in each runtime. */
function asNext(forwarded, { nextUrl, cookies }) {
  return nextUrl ? Object.defineProperties(forwarded, { nextUrl: { value: nextUrl }, cookies: { value: cookies } }) : forwarded;
}

/** The request at the address that its client asked. Next.js says `localhost` in its place, and buyers refuse an offer of another host than they asked. */
function asAsked(request, headers = request.headers, place = request.url) {
  const host = headers.get('host');
  const { protocol, origin } = new URL(request.url);
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0].trim();
  const scheme = /^https?$/.test(forwarded) ? forwarded : protocol.slice(0, -1);
  const address = /^[\w.:[\]-]+$/.test(host ?? '') ? `${scheme}://${host}${place.slice(origin.length)}` : place;
  return new Request(new Request(address, request), { headers });
}

/**
 * A route handler that is paid for: `export const POST = paidRoute(payments, { planId, credits: 1 }, async (request) => Response.json(…))`. The handler gets what
 * Next.js gives it, and `paymentContext` in its second argument. `payments` may be a function that makes the instance with the first request.
 */
export function paidRoute(payments, route, handler, options = {}) {
  if (typeof handler !== 'function') throw new TypeError('the third argument of paidRoute must be a function: the handler of the route');
  const { gate, methods } = later(payments, (instance) => paywall(() => { throw new Error('the route has the handler'); }, {
    unlisted: 'deny', state: 'memory', log: false, ...ofPayments(instance), ...options, routes: { '* /*path': route, '* /': route },
  }));
  const paid = async (request, context) => gate().serve(asAsked(request), undefined, undefined, (forwarded, { paymentContext }) =>
    handler(asNext(forwarded, request), { ...context, paymentContext }));
  return Object.assign(paid, methods);
}

const pathOf = (key) => key.slice(key.indexOf('/'));

/** The paths of the folder in which a route with a parameter at its end finds its names. */
const folderOf = (path) => new RegExp(`^${path.replace(/[:*][^/]*$/, '').replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replace(/[:*][^/]*/g, '[^/]+')}$`, 'i');

/** The address of a request without the language of the reader, which Next.js takes from the path: `/fr/report` runs the page of `/report`. */
function withoutLocale({ url, nextUrl }) {
  if (!nextUrl?.locale) return url;
  const found = new URL(url);
  found.pathname = nextUrl.basePath + nextUrl.pathname;
  return found.href;
}

/** The header by which a request that the middleware sends on is known when it comes again. */
const INSIDE = 'x-payments-wasm-inside';

/**
 * A middleware: `export const middleware = paymentMiddleware(payments, routes)`. A paid request goes to the application once more, from here, so that its answer
 * is charged for; any other goes on as it is.
 */
export function paymentMiddleware(payments, routes, options = {}) {
  const { origin, ...rest } = options;
  let key;
  const { gate, methods } = later(payments, (instance) => {
    const account = ofPayments(instance);
    key = account.nvmApiKey;
    return paywall(() => { throw new Error('the application has the handlers'); }, { unlisted: 'pass', state: 'memory', log: false, ...account, ...rest, routes });
  });
  const open = (options.openRoutes ?? []).map(pathOf);
  const folders = Object.keys(routes).map(pathOf).filter((path) => /[:*][^/]*$/.test(path)).map(folderOf);
  const isInDoubt = (path) => path.length > 1 && path.endsWith('/') && !open.includes(path.slice(0, -1)) && !open.includes(path) && folders.some((folder) => folder.test(path));
  let word;
  const middleware = async (request) => {
    const { serve } = gate();
    word ??= await wordOf(key);
    const headers = new Headers(request.headers);
    if (headers.get(INSIDE) === word) return undefined;
    headers.delete(INSIDE);
    let passed = false;
    const asked = withoutLocale(request);
    const answer = await serve(asAsked(request, headers, asked), undefined, undefined, async (forwarded, { paymentContext }) => {
      if (!paymentContext) {
        passed = true;
        return new Response(null, { status: 204 });
      }
      const { pathname, search } = new URL(asked === request.url ? forwarded.url : request.url);
      const inside = new Request(new URL(origin ?? request.url).origin + pathname + search, forwarded);
      inside.headers.set(INSIDE, word);
      return fetch(inside, { redirect: 'manual' });
    });
    if (!passed) return answer;
    // Next.js takes `.rsc` off the path that it shows here, and not off the one that it routes by: `/tools/.rsc` is `/tools/` here, and `.rsc` to the handler of
    // `/tools/[name]`.
    return isInDoubt(new URL(asked).pathname) ? Response.json(IN_DOUBT, { status: 400 }) : undefined;
  };
  return Object.assign(middleware, methods);
}

/** A word that only who has the key can make: the same in each process of the application. */
async function wordOf(key) {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await crypto.subtle.sign('HMAC', secret, encoder.encode('payments-wasm: inside'));
  return hex(new Uint8Array(signed));
}
