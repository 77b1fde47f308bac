// The paywall in real workerd between two stubs: a facilitator and an origin, plain HTTP servers whose manners a test
// chooses and whose calls it counts. The paywall is the built Worker.
import { createHash, randomBytes } from 'node:crypto';
import * as events from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { startImplementation } from '../library/implementations.mjs';

export const PLAN = '1001';
export const AGENT = '2002';
export const PAYER = '0x00000000000000000000000000000000000000b1';
export const SELLER_KEY = `local:${b64({ alg: 'none' })}.${b64({ sub: '0xa1', o11y: 'x' })}.c2ln`;
export const ROUTES = {
  'POST /ask': { planId: PLAN, credits: 2, agentId: AGENT, description: 'An answer' },
  'GET /paid': { planId: PLAN, credits: 1 },
  'GET /stream': { planId: PLAN, credits: 3 },
  'GET /files/:name': { planId: PLAN, credits: 1 },
  'GET /data/*rest': { planId: PLAN, credits: 1 },
};

/** A token as the platform makes them. */
export function token({ planId = PLAN, scheme = 'nvm:erc4337', from = PAYER, ...more } = {}) {
  const network = scheme === 'nvm:erc4337' ? 'eip155:84532' : 'stripe';
  return b64({
    x402Version: 2,
    accepted: { scheme, network, planId, extra: { version: '1' } },
    payload: { signature: '0xfeed', authorization: { from, sessionKeysProvider: 'zerodev', sessionKeys: [] } },
    extensions: {},
    ...more,
  });
}

/** A single-use token. */
export function once({ from = PAYER, nonce = `0x${randomBytes(32).toString('hex')}`, ...more } = {}) {
  const authorization = { from, sessionKeysProvider: 'zerodev', sessionKeys: [], nonce };
  return token({ from, payload: { signature: '0xfeed', authorization }, ...more });
}

/** The name of the object that keeps what is to be known of a payer, or of a masked address. */
export function shard(kind, who) {
  return createHash('sha256').update(`${kind}:${who.toLowerCase()}`).digest('hex').slice(0, 16);
}

export function b64(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Reads a `payment-required` or `payment-response` header: standard base64, padded, of JSON. */
export function readHeader(value) {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value) || value.length % 4 !== 0) throw new Error(`not standard base64: ${value}`);
  return JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
}

/**
 * A facilitator that says yes, and that its plans are crypto. `verify`, `settle` and `plan` may be set to a function of
 * (response, body, request) that answers otherwise, `balance` to one of (response, holder): it is not said else. `calls` lists what it was asked of payments, `lookups` of plans.
 */
export async function startFacilitator() {
  const stub = { calls: [], lookups: [], verify: undefined, settle: undefined, plan: undefined, balance: undefined };
  const yes = {
    verify: (response) => json(response, 200, { isValid: true, payer: PAYER, network: 'eip155:84532', agentRequestId: 'req-1' }),
    settle: (response, { maxAmount }) => json(response, 200, {
      success: true, payer: PAYER, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: maxAmount, remainingBalance: '98',
    }),
  };
  const server = await listen(async (request, response) => {
    if (request.url.includes('/balance/')) return await (stub.balance ?? ((other) => json(other, 404, {})))(response, request.url.split('/').at(-1));
    if (request.url.startsWith('/api/v1/protocol/plans/')) {
      const id = request.url.split('/').at(-1);
      stub.lookups.push(id);
      const crypto = () => json(response, 200, { id, registry: { price: { isCrypto: true } }, metadata: { plan: {} } });
      return await (stub.plan ?? crypto)(response, undefined, request);
    }
    const call = request.url.replace('/api/v1/x402/', '');
    const body = JSON.parse(await text(request));
    stub.calls.push({ call, body, headers: request.headers });
    await (stub[call] ?? yes[call])(response, body, request);
  });
  return Object.assign(stub, {
    ...server,
    count: (name) => stub.calls.filter(({ call }) => call === name).length,
    reset: () => Object.assign(stub, { calls: [], lookups: [], verify: undefined, settle: undefined, plan: undefined, balance: undefined }),
  });
}

/**
 * An origin that decodes twice, ignores case, trailing slashes, doubled ones and the name of a folder's page, and answers
 * everything. `calls` lists what reached it.
 */
export async function startOrigin() {
  const stub = { calls: [], answer: undefined, cancelled: 0 };
  const server = await listen(async (request, response) => {
    const path = lenient(lenient(request.url.split('?')[0])).toLowerCase().replace(/\/+/g, '/').replace(/\/(index|default)(\.\w+)?$/, '/').replace(/(.)\/$/, '$1');
    stub.calls.push({ method: request.method, url: request.url, path, headers: request.headers, rawHeaders: request.rawHeaders });
    response.on('close', () => { if (!response.writableEnded) stub.cancelled++; });
    if (stub.answer) return stub.answer(request, response);
    const body = await text(request);
    json(response, 200, { path, body, secret: path === '/health' ? undefined : 'worth paying for' });
  });
  return Object.assign(stub, { ...server, reset: () => Object.assign(stub, { calls: [], answer: undefined, cancelled: 0 }) });
}

/** Percent-decoding that takes what it can. */
function lenient(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Facilitator, origin and the paywall between them; `options` are those of `startPaywall`. One `stop` ends all three. */
export async function startAll(options = {}) {
  const [facilitator, origin] = await Promise.all([startFacilitator(), startOrigin()]);
  const paywall = await startImplementation({
    origin: origin.url, api: facilitator.url, key: SELLER_KEY, routes: { routes: ROUTES, open: ['GET /health'], unlisted: 'deny' },
    ...options, vars: { TIMEOUT_MS: '3000', ...options.vars },
  });
  const get = (path, init = {}) => fetch(paywall.url + path, { redirect: 'manual', ...init });
  return {
    facilitator, origin, paywall, get,
    paid: (path, { headers, ...init } = {}) => get(path, { ...init, headers: { 'payment-signature': token(), ...headers } }),
    reset() { facilitator.reset(); origin.reset(); },
    stop: () => Promise.all([paywall.stop(), facilitator.stop(), origin.stop()]),
  };
}

/** One request written byte for byte; the status and the text of its answer. */
export async function raw(url, message) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(message);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
    if (isWhole(answer, message.startsWith('HEAD '))) socket.destroy();
  });
  socket.setTimeout(30_000, () => socket.destroy());
  socket.on('error', () => {});
  await events.once(socket, 'close');
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0), answer };
}

function isWhole(answer, bodiless) {
  const [head, body] = answer.split(/\r\n\r\n(.*)/s);
  if (body === undefined) return false;
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (bodiless || /^HTTP\/1\.1 (204|304) /.test(head)) return true;
  return body.length === Number(length) || (/^transfer-encoding: chunked/im.test(head) && body.endsWith('0\r\n\r\n'));
}

export function json(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

async function listen(handle) {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => response.destroy(error));
  });
  // Whoever reuses a connection is never crossed by its end.
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await events.once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
