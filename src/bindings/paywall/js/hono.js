// The gate as a middleware of Hono: what comes behind it in the chain is the handler.
import { ownAnswers } from './request_flow.js';
import { cookiesOf, withHeaders } from './runtime.js';

/** `paywall` is the entry's. */
export const createHono = (paywall) => (options) => {
  const gate = paywall(() => { throw new Error('the chain is the handler'); }, options);
  let looked = false;
  const middleware = async (c, next) => {
    if (!looked) warnOfMount(c, options);
    looked = true;
    let context;
    try {
      context = c.executionCtx;
    } catch {
      // Where there is none, nothing can be left behind but promises.
    }
    // The headers that earlier middlewares have put on the answer by now. In Hono they override those of the answer.
    const before = [...c.res.headers];
    // To ask has made an answer of none.
    if (before.length === 0) {
      c.res = undefined;
      c.finalized = false;
    }
    let ran = false;
    const { raw } = c.req;
    const response = await gate.serve(await unread(c.req), c.env, context, async (request, { paymentContext }) => {
      ran = true;
      // Another gate may be behind, or have been paid in front.
      if (paymentContext) c.set('paymentContext', paymentContext);
      else if (c.get('paymentContext')) raw.headers.forEach((value, name) => { if (name.startsWith('x-payment-')) request.headers.set(name, value); });
      else untold.set(request, untold.get(raw) ?? raw.headers);
      c.req.raw = request;
      await next();
      return c.res;
    }, c.req.raw.url);
    // Hono adds the headers of a response that is replaced to the new one, unless there is none.
    c.res = undefined;
    // An answer of the chain has these headers already.
    c.res = ran && !ownAnswers.has(response) ? response : merged(response, before);
  };
  return Object.assign(middleware, { ready: gate.ready, close: gate.close });
};

/** Headers that say what an answer holds, and nothing of another. */
const OF_THE_BODY = /^content-(type|length|encoding|language|range|disposition)$|^etag$|^last-modified$/;
/** Headers of the gate that nobody overrules: what makes it payable, and what keeps it out of caches. */
const OF_THE_GATE = /^payment-|^x-payment-|^cache-control$|^www-authenticate$|^retry-after$|^allow$/;
/** Headers that are lists, to which each adds its own. */
const LISTS = /^(vary|access-control-expose-headers)$/;

/** An answer of the gate's own with the headers that were set in front of it. */
function merged(response, before) {
  const kept = before.filter(([name]) => !OF_THE_BODY.test(name) && !(OF_THE_GATE.test(name) && response.headers.has(name)));
  if (kept.length === 0) return response;
  const cookies = cookiesOf(response.headers).map((cookie) => ['set-cookie', cookie]);
  const headers = kept.map(([name, value]) => {
    const own = LISTS.test(name) ? response.headers.get(name) : undefined;
    return [name, own ? [...new Set(`${value}, ${own}`.split(/\s*,\s*/))].join(', ') : value];
  });
  return withHeaders(response, [...cookies, ...headers]);
}

/** The headers with which requests came that a gate let pass: a gate behind it looks for a token. */
const untold = new WeakMap();

/** The request with its body. One that somebody has read by Hono's means is put together of what Hono has kept of it. */
async function unread({ raw, bodyCache = {} }) {
  const headers = untold.get(raw);
  if (!raw.bodyUsed) return headers ? new Request(raw, { headers }) : raw;
  const init = { method: raw.method, headers: new Headers(headers ?? raw.headers), signal: raw.signal, ...(raw.cf && { cf: raw.cf }) };
  init.headers.delete('content-length');
  for (const kind of ['arrayBuffer', 'bytes', 'blob', 'text', 'json', 'formData']) {
    try {
      if (bodyCache[kind] === undefined) continue;
      const body = await bodyCache[kind];
      // A form gets a boundary of its own.
      if (kind === 'formData') init.headers.delete('content-type');
      return new Request(raw.url, { ...init, body: kind === 'json' ? JSON.stringify(body) : body });
    } catch {
      // It was not to be had in this form; the gate says so of what is gone.
    }
  }
  return raw;
}

/** Says where a gate is mounted at another path than all its routes are: what it should protect would pass unpaid. */
function warnOfMount(c, { routes, unlisted } = {}) {
  if (unlisted !== 'pass' || typeof routes !== 'object' || routes === null) return;
  const at = String(c.req.routePath ?? '').split('/').slice(1);
  const end = at.findIndex((segment) => /[:*{]/.test(segment));
  const mount = end < 0 ? at : at.slice(0, end);
  const isUnder = (key) => {
    const path = key.slice(key.indexOf('/')).split('/').slice(1);
    return mount.every((segment, index) => /^[:*]/.test(path[index] ?? '') || path[index]?.toLowerCase() === segment.toLowerCase());
  };
  if (mount.length === 0 || mount[0] === '' || Object.keys(routes).some(isUnder)) return;
  console.warn(`The gate is mounted at /${mount.join('/')}, and none of its routes begins so: all there is passed unpaid. `
    + `A route is the whole path of a request, like "GET /${mount.join('/')}/ask".`);
}
