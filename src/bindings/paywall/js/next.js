// `payments-wasm/next`: the gate for route handlers of Next.js, and as its middleware.
import { paywall } from 'payments-wasm/paywall';
import { hex } from '../../http/hex.js';
import { endToEnd } from './hop.js';
import { IN_DOUBT, ofPayments } from './of_payments.js';
import { IN_WORKERD } from '../../http/answer.js';

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

/** A host, and nothing that would be read as the path. */
const HOST = /^[\w.:[\]-]+$/;

/** The request at the address that its client asked. Next.js says `localhost` in its place, and buyers refuse an offer of another host than they asked. */
function asAsked(request, headers = request.headers, place = request.url) {
  const host = headers.get('host');
  const { protocol, origin } = new URL(request.url);
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0].trim();
  const scheme = /^https?$/.test(forwarded) ? forwarded : protocol.slice(0, -1);
  const address = HOST.test(host ?? '') ? `${scheme}://${host}${place.slice(origin.length)}` : place;
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

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The decoded paths of a route, as Next.js finds them: a parameter may be any text, `.rsc` too. */
function patternOf(key) {
  const segment = (text) => (/^:/.test(text) ? '[^/]*' : /^\*/.test(text) ? '.*' : decoded(text).replace(/[.*+?^$()|[\]\\{}]/g, '\\$&'));
  return new RegExp(`^${key.slice(key.indexOf('/')).split('/').map(segment).join('/')}$`, 'i');
}

/**
 * The paths that Next.js may find the page of a request by, without the language, which it takes off. The first is the page where there is no doubt. `at` is the
 * number of segments in front of the language, if that is in the path: with a `basePath`, Next.js may show `/docs/fr/report` for the page `/docs/report`. Where its
 * configuration says that paths are shown as they come, a page's data has another path than the page.
 */
function readings({ url, nextUrl }) {
  const asked = new URL(url).pathname;
  const { locale, basePath = '', pathname } = nextUrl ?? {};
  if (!locale) return pagesOf(asked).map((path) => ({ path }));
  const isLanguage = (segment) => segment?.toLowerCase() === locale.toLowerCase();
  const depth = basePath.split('/').length;
  const kept = isLanguage(asked.split('/')[depth]) ? depth : undefined;
  const pages = pagesOf(basePath + pathname);
  const stripped = pages.flatMap((path) => {
    const segments = path.split('/');
    const at = segments.findIndex(isLanguage);
    return at < 0 ? [] : [{ path: segments.toSpliced(at, 1).join('/') || '/', at }];
  });
  return [...stripped, ...pages.map((path) => ({ path, at: kept }))];
}

/** The path of a page, of its data too: `/_next/data/BUILD/report.json`. */
function pagesOf(path) {
  const [, above, below] = /^(.*?)\/_next\/data\/[^/]*(\/.*)\.json$/.exec(path) ?? [];
  return below ? [above + below.replace(/^\/index(?=\/|$)/, '') || '/', above + below, path] : [path];
}

/** The path with the language in it again. */
const withLanguage = (path, at, locale) => (at === undefined ? path : path === '/' ? `/${locale}` : path.split('/').toSpliced(at, 0, locale).join('/'));

const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** Where the application answers. Where Next.js takes the host of an address from the client, a request that is marked as paid could go to anybody. */
function ownOrigin({ url, headers }, origin) {
  if (origin) return new URL(origin).origin;
  const { hostname, origin: shown } = new URL(url);
  const isChosen = headers.has('host') && new URL(`http://${headers.get('host')}`).hostname === hostname;
  if (!isChosen || LOOPBACK.test(hostname) || IN_WORKERD || globalThis.process?.env?.VERCEL) return shown;
  throw new Error('the address of the request has the host that its client named: give paymentMiddleware the option origin, where the application answers');
}

/** A redirect with its whole address: Next.js reads no other from a middleware. */
function redirected(answer, base) {
  const location = answer.headers.get('location');
  if (!location || answer.status < 300 || answer.status > 399) return answer;
  return new Response(null, { status: answer.status, headers: [...answer.headers].filter(([name]) => !/^(content-|location$)/.test(name)).concat([['location', new URL(location, base).href]]) });
}

/** The header by which a request that the middleware sends on is known when it comes again. */
const INSIDE = 'x-payments-wasm-inside';

/**
 * A middleware: `export const middleware = paymentMiddleware(payments, routes)`. A paid request goes to the application once more, from here, so that its answer
 * is charged for, and so does one for an open page that might run a paid one. Any other goes on as it is.
 */
export function paymentMiddleware(payments, routes, options = {}) {
  const { origin, ...rest } = options;
  let key;
  const { gate, methods } = later(payments, (instance) => {
    const account = ofPayments(instance);
    key = account.nvmApiKey;
    return paywall(() => { throw new Error('the application has the handlers'); }, { unlisted: 'pass', state: 'memory', log: false, ...account, ...rest, routes });
  });
  // Next.js takes `.rsc` off the path that it shows, and finds a page by the path as it came: `/tools/free.rsc` and `/tools/%66ree` are `/tools/[name]` to it, and
  // here they are `/tools/free`.
  const patterns = Object.keys(routes).map(patternOf);
  const isInDoubt = (page) => patterns.some((pattern) => pattern.test(page) || pattern.test(`${page}.rsc`));
  let seal;
  const middleware = async (request) => {
    const { serve } = gate();
    seal ??= await sealOf(key);
    const headers = new Headers(request.headers);
    const pages = readings(request);
    for (const { path } of headers.has(INSIDE) ? pages : []) if (await seal.isOf(headers.get(INSIDE), request.method, path)) return undefined;
    // A mark that is not right is refused: one of ours, for a path that somebody on the way has changed, would be sent on for ever.
    if (headers.has(INSIDE) || !HOST.test(headers.get('host') ?? 'localhost')) return Response.json(IN_DOUBT, { status: 400 });
    /** The page that the gate let pass. */
    let open;
    for (const [index, { path, at }] of pages.entries()) {
      let passed = false;
      const isLast = index + 1 === pages.length;
      const place = Object.assign(new URL(request.url), { pathname: path }).href;
      const answer = await serve(asAsked(isLast ? request : request.clone(), headers, place), undefined, undefined, async (forwarded, { paymentContext }) => {
        const { pathname, search } = new URL(forwarded.url);
        const asked = { page: pathname, path: withLanguage(pathname, at, request.nextUrl?.locale) };
        if (!paymentContext) {
          open ??= asked;
          passed = !isLast || !isInDoubt(decoded(open.page));
          if (passed) return new Response(null, { status: 204 });
        }
        const onward = paymentContext ? asked : open;
        const inside = new Request(ownOrigin(request, origin) + onward.path + search, forwarded);
        endToEnd(inside.headers).set(INSIDE, await seal.mark(forwarded.method, onward.page));
        return redirected(await fetch(inside, { redirect: 'manual' }), request.url);
      });
      if (!passed) return answer;
    }
    return undefined;
  };
  return Object.assign(middleware, methods);
}

/** How long a request may take from the middleware to where it comes in again, in milliseconds. */
const WITHIN = 60_000;

/**
 * Marks the requests that the middleware sends on, in a way that only who has the key can: the same in each process of the application. A mark is for one page,
 * for a minute, and in each process for one request, because a page may print the headers that it gets.
 */
async function sealOf(key) {
  const encoder = new TextEncoder();
  const secret = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const said = (id, method, path) => encoder.encode(`payments-wasm: inside ${id} ${method} ${path}`);
  /** Marks that were used, the oldest first. */
  const used = new Map();
  const isFresh = (time) => Math.abs(Date.now() - time) < WITHIN;
  return {
    async mark(method, path) {
      const id = `${Date.now()}.${crypto.randomUUID()}`;
      return `${id}.${hex(new Uint8Array(await crypto.subtle.sign('HMAC', secret, said(id, method, path))))}`;
    },
    async isOf(mark, method, path) {
      const [, id, time, digits] = /^((\d+)\.[\da-f-]{36})\.([\da-f]{64})$/.exec(mark) ?? [];
      if (!id || !isFresh(time)) return false;
      const bytes = Uint8Array.from(digits.match(/../g), (byte) => parseInt(byte, 16));
      if (!await crypto.subtle.verify('HMAC', secret, bytes, said(id, method, path)) || used.has(id)) return false;
      for (const [old, since] of used) {
        if (isFresh(since)) break;
        used.delete(old);
      }
      used.set(id, time);
      return true;
    },
  };
}
