// `payments-wasm/express`: the official SDK's Express middleware over this package's gate.
import { createHash } from 'node:crypto';
import { nodeMiddleware } from './node_middleware.js';

/** Headers of x402 over HTTP. */
export const X402_HEADERS = Object.freeze({ PAYMENT_SIGNATURE: 'payment-signature', PAYMENT_REQUIRED: 'payment-required', PAYMENT_RESPONSE: 'payment-response' });

/** Protects routes: `app.use(paymentMiddleware(payments, { 'POST /ask': { planId, credits: 1 } }))`. */
export function paymentMiddleware(payments, routes, options) {
  const middleware = nodeMiddleware(payments, routes, options);
  const handler = (req, res, next) => {
    const facts = {
      views: { request: req, response: res }, ...placeOf(req), asked: pathOf(req, req.originalUrl), address: req.ip,
      protocol: req.protocol, host: req.get('host') ?? 'localhost',
    };
    middleware(req, res, facts, next).catch(next);
  };
  return Object.assign(handler, { ready: middleware.ready, close: middleware.close });
}

/** The path of a request; `express-ws` gives that of a socket an ending of its own. */
const pathOf = ({ upgrade }, url) => (upgrade ? url.replace(/\/\.websocket(?=\?|$)/, '') || '/' : url);

/** Where the middleware is mounted, and the path that Express routes by. A mount that has taken all of any path, as `app.use('*', …)`, is none. */
function placeOf(req) {
  const { baseUrl, params } = req;
  const url = pathOf(req, req.url);
  if (!url.startsWith('/') || !baseUrl) return { mount: '', path: url };
  // Express puts a slash where nothing is left.
  const [all, query] = /^\/(\?.*)?$/s.exec(url) ?? [];
  const takesAny = all && Object.entries(params ?? {}).some(([name, value]) => Array.isArray(value) || /^\d+$/.test(name));
  return takesAny ? { mount: '', path: baseUrl + (query ?? '') } : { mount: baseUrl, path: baseUrl + url };
}

const RAW_BODY = Symbol.for('nevermined.rawBody');

/** Keeps the bytes of a body for `getRawBody`: `express.json({ verify: captureRawBody })`. */
export function captureRawBody(req, res, bytes) {
  if (bytes?.length) req[RAW_BODY] = Buffer.from(bytes);
}

/** The bytes that `captureRawBody` kept. */
export const getRawBody = (req) => req[RAW_BODY];

/** The digest of a body as challenges of MPP have it: `sha-256=` and base64. */
export const computeBodyDigest = (bytes) => `sha-256=${createHash('sha256').update(bytes).digest('base64')}`;
