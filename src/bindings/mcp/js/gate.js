// The seller of MCP: a gate in front of an MCP server's fetch handler. Each paid message becomes a request to the one gate of the
// package, on a route of its own; what the gate answers is said in the message again.
import { fromBase64 } from '../../http/json_base64.js';
import { hasLookAlikes } from './look_alikes.js';
import { bytes } from '../../http/answer.js';
import { couldFit, hasTwice, isInDoubt } from './doubt.js';
import { CallsUnderWay, elsewhere, markedId, withoutResults } from './elsewhere.js';
import { CLOSED, PAYABLE, isShort, paymentOf, segment, toToken, unpaidResult, withReceipt, withoutPayment } from './messages.js';
import { withCors } from './cors.js';
import { credentialHeader, paymentError, readChallenges, withChallenges, withMppReceipt } from './mpp.js';
import { withOauth } from './oauth.js';
import { match } from './server.js';
import { wholeNumber } from '../../paywall/js/of_payments.js';
import { events, withMessage } from './sse.js';

/** The most that a POST to the server may weigh, in bytes. */
const MAX_BODY = 4 * 1024 * 1024;
/** The code of an error that asks for a payment, where a result cannot: that of Nevermined's SDKs. */
const PAYMENT_REQUIRED = -32003;
const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const INTERNAL_ERROR = -32603;
const PARSE_ERROR = -32700;
/** The header in which a call says what it cost, between the handler and the gate. */
const COST = 'x-mcp-credits';
/** The methods whose requests have no body. */
const BODILESS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];
/** The host of the requests to the gate: their routes are the tools, resources and prompts. */
const INSIDE = 'http://mcp.localhost';

/**
 * A fetch handler that sells what an MCP server offers. `paywall` is the package's; `handler` the server's own fetch handler, or its URL.
 *
 * `tools`, `resources` and `prompts` are prices by name, `*` for all others: a number of credits, a function of the call, or an
 * object with `credits`, `planId`, `agentId`, `maxAmount`. Everything else is free of charge, but a call of something that has no
 * price: `unlisted` says whether it is refused or passed.
 */
export function createMcpGate(paywall, problem) {
  return (handler, { tools = {}, resources = {}, prompts = {}, planId, agentId, unlisted, serverName = 'mcp-server', allowedOrigins, oauth, baseUrl, ...options } = {}) => {
    if (unlisted !== 'deny' && unlisted !== 'pass') throw problem('config_invalid', "unlisted must be 'deny' or 'pass'");
    const priced = { tools: readPrices('tools', tools, problem), resources: readPrices('resources', resources, problem), prompts: readPrices('prompts', prompts, problem) };
    const routes = {};
    for (const [kind, prices] of Object.entries(priced)) {
      for (const [name, price] of prices) if (!price.free) routes[routeKey(kind, name)] = route(price, { planId, agentId });
    }
    const gate = Object.keys(routes).length === 0 ? undefined : paywall(() => new Response(null, { status: 404 }), { publicUrl: `mcp://${segment(serverName)}`, ...options, routes, unlisted: 'deny' });
    const ask = typeof handler === 'string' ? (request) => fetch(handler, request) : handler;
    const shared = { ask, gate, priced, unlisted, calls: new CallsUnderWay(), paths: new Set() };
    const serve = (request, env, context) => answer({ ...shared, request, env, context });
    const login = oauth && { required: oauth === true || oauth.required, frontend: oauth.frontend, baseUrl, agentId, ...options };
    const fetchHandler = withCors(login ? withOauth(serve, login) : serve, allowedOrigins);
    return Object.assign(fetchHandler, {
      /** Charges for one call that a server has taken already. `headers` came with it; `work` does it, and returns the response message, as this does. */
      async call(message, { headers, signal }, work) {
        const request = new Request(INSIDE, { method: 'POST', headers, signal });
        if (priceOf(message, priced).price?.free) return work();
        return paid({ ...shared, request }, message, (_, { paymentContext }) => work(paymentContext));
      },
      async ready(env) { await gate?.ready(env); },
      async close() { await gate?.close(); },
    });
  };
}

const routeKey = (kind, name) => `POST /${kind}/${segment(name)}`;

function readPrices(kind, prices, problem) {
  return new Map(Object.entries(prices).map(([name, given]) => {
    const price = typeof given === 'object' && given !== null ? given : { credits: given };
    const { credits = 1 } = price;
    const fits = typeof credits === 'function' || typeof credits === 'bigint' || Number.isSafeInteger(credits);
    if (!fits || credits < 0) throw problem('config_invalid', `${kind}.${name} must be a whole number of credits or a function of the call`);
    return [name, { ...price, credits, free: credits === 0 || credits === 0n }];
  }));
}

/** The gate's route of a price. A function of the call without `maxAmount` is asked before the call, one with it after the call. */
function route({ credits, maxAmount, free, onRedeemError, ...rest }, { planId, agentId }) {
  const base = { planId, ...(agentId && { agentId }), ...rest };
  if (typeof credits !== 'function') return { ...base, credits: Number(credits) };
  if (maxAmount !== undefined) return { ...base, credits: { by: 'origin', name: COST, most: Number(maxAmount) } };
  return { ...base, credits: async (request) => credits({ ...await request.json(), request }) };
}

/** The price of a message: its entry by name, else that of `*`; undefined for a message that cannot be paid for. */
function priceOf(message, priced) {
  const payable = PAYABLE.get(message?.method);
  if (!payable || message.id === undefined) return undefined;
  const { kind, name } = payable;
  const called = name(message.params);
  const prices = priced[kind];
  const key = keyOf(prices, called);
  return { kind, called, key, price: prices.get(key) };
}

/** The name under which the price of a call stands: its own, that of the first template that it fits, else `*`. */
function keyOf(prices, called) {
  if (prices.has(called)) return called;
  const templates = [...prices.keys()].filter((one) => one.includes('{'));
  // A server may read a template in another way than this package: what could fit one has its price.
  return templates.find((one) => match(one, String(called))) ?? templates.find((one) => couldFit(one, String(called))) ?? '*';
}

async function answer(around) {
  const { request } = around;
  if (request.method !== 'POST') return unread(around);
  const whole = request.body ? await bytes(request.body.getReader(), MAX_BODY) : new Uint8Array();
  if (!whole) return Response.json(failure(null, INVALID_REQUEST, 'The request is larger than 4 MiB.'), { status: 413 });
  const text = new TextDecoder().decode(whole);
  const refused = (code, words) => Response.json(failure(null, code, words), { status: 400 });
  const free = async (body) => withoutResults(await around.ask(resend(request, body), { env: around.env, ctx: around.context }), around.paths);
  let sent;
  try {
    // A server may read JSON of any content type.
    sent = JSON.parse(text);
  } catch {
    return isForm(request, text) ? free(whole) : refused(PARSE_ERROR, 'The request is not JSON.');
  }
  const batch = Array.isArray(sent);
  const messages = batch ? sent : [sent];
  const isPaid = (message) => {
    const found = priceOf(message, around.priced);
    return found !== undefined && !(found.price?.free || (!found.price && around.unlisted === 'pass'));
  };
  const known = { isPaid, keyOf: (kind, called) => keyOf(around.priced[kind], called), names: (kind) => [...around.priced[kind].keys()] };
  if (hasTwice(text) || messages.some((message) => isInDoubt(message, known))) return refused(INVALID_REQUEST, 'The request could be read as another one, which is paid for.');
  if (!isShort(sent, Infinity)) return refused(PARSE_ERROR, 'The request is nested too deeply.');
  const translated = messages.map((message) => around.calls.translated(request, message));
  const closed = (message) => around.gate && CLOSED.has(message.method) && failure(message.id, METHOD_NOT_FOUND, `${message.method} is not offered here: the result of a paid call comes in its own response.`);
  if (!messages.some((message) => isPaid(message) || closed(message))) {
    return free(translated.every((message, index) => message === messages[index]) ? text : JSON.stringify(batch ? translated : translated[0]));
  }
  if (!batch) return closed(sent) ? asJson(request, closed(sent)) : single(around, sent);
  const answers = [];
  for (const message of translated) {
    if (isPaid(message)) answers.push(await paid(around, message, (stripped, more) => collect(around, stripped, more, answers)));
    else answers.push(...[closed(message) || await collect(around, message, {}, answers)].filter(Boolean));
  }
  return answers.length > 0 ? Response.json(answers) : new Response(null, { status: 202 });
}

/** Answers a request that is no POST. A server may read a call from any body, and from a socket: neither reaches it. */
async function unread({ request, ask, env, context, paths }) {
  const refused = (status, words, headers) => Response.json(failure(null, INVALID_REQUEST, words), { status, headers });
  if (!BODILESS.includes(request.method)) return refused(405, 'Messages come by POST.', { allow: ['POST', ...BODILESS].join(', ') });
  if (/websocket/i.test(request.headers.get('upgrade') ?? '')) return refused(501, 'Messages come by POST: what is paid for is not sold over a WebSocket.');
  const bare = request.body ? resend(request, undefined, request.method) : request;
  return withoutResults(await ask(bare, { env, ctx: context }), paths);
}

/** True for a body that is no JSON and may be passed on: that of a form, or none. */
function isForm(request, text) {
  const { headers } = request;
  if (headers.has('content-encoding')) return false;
  return text === '' || (/^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(headers.get('content-type') ?? '') && /^[\w%.+*-]/.test(text) && !text.includes('\0'));
}

/** The request with another body. What pays is not passed on. */
function resend(request, body, method = 'POST') {
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  headers.delete('payment-signature');
  if (tokenOfBearer(request)) headers.delete('authorization');
  return new Request(request.url, { method, headers, body, signal: request.signal, ...(request.cf && { cf: request.cf }) });
}

/** Sends one message to the server and waits for its response message. Others that come before it are added to `others`. */
async function collect({ request, ask, env, context }, message, more, others) {
  const response = await ask(resend(request, JSON.stringify(message)), { env, ctx: context, ...more });
  if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
    for await (const { message: found } of events(response.body)) {
      const own = [found].flat().find((one) => isResponseTo(one, message));
      if (own) return own;
      if (found && !isResult(found)) others.push(found);
    }
    return message.id === undefined ? undefined : failure(message.id, INTERNAL_ERROR, 'The server gave no response.');
  }
  if (message.id === undefined) {
    response.body?.cancel().catch(() => {});
    return undefined;
  }
  return responseIn(response, message);
}

/** The response message in an answer that is no stream. */
async function responseIn(response, message) {
  const text = await response.text();
  if (response.status === 202) return elsewhere(message.id);
  try {
    const found = [JSON.parse(text)].flat();
    // A server that did not read the call does not know its id.
    const own = found.find((one) => isResponseTo(one, message)) ?? found.find((one) => one?.error !== undefined && (one.id ?? null) === null);
    if (own) return own;
  } catch {
    // As below.
  }
  return failure(message.id, INTERNAL_ERROR, 'The server gave no response.');
}

const isResponseTo = (found, message) => found?.id === message.id && (found.result !== undefined || found.error !== undefined);
/** True for a message with a result, or a list that has one. */
const isResult = (found) => [found].flat().some((one) => one?.result !== undefined);

const failure = (id, code, message, data) => ({ jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data && { data }) } });

/** One paid message alone: notifications of a stream go out at once, and its response once it is settled. */
async function single(around, message) {
  const { request, ask, env, context } = around;
  let streamed;
  let failed;
  const started = new Promise((resolve) => { streamed = resolve; });
  const outcome = paid(around, message, async (stripped, more) => {
    const response = await ask(resend(request, JSON.stringify(stripped)), { env, ctx: context, ...more });
    if (!/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
      streamed(undefined);
      if (!response.ok) failed = response;
      return responseIn(response, stripped);
    }
    return new Promise((answered) => streamed({ response, answered, stripped }));
  });
  const first = await Promise.race([started, outcome.then(() => undefined, () => undefined)]);
  if (!first) return asServerSaid(request, await outcome, failed);
  const { response, answered, stripped } = first;
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  // A stream that nobody reads any more is not waited for.
  const gone = new AbortController();
  writer.closed.catch(() => gone.abort());
  const encoder = new TextEncoder();
  const write = (text) => writer.write(encoder.encode(`${text}\n\n`));
  const pump = async () => {
    let found = false;
    try {
      for await (const { text, data, message: one } of events(response.body, gone.signal)) {
        const own = !found && [one].flat().find((each) => isResponseTo(each, stripped));
        if (own) {
          found = true;
          answered(own);
          await write(withMessage(text, await outcome));
        } else if (one === undefined ? !data : !isResult(one)) {
          // The result of another call is paid for in its own stream, and some clients read what is no JSON.
          await write(text);
        }
      }
    } catch (error) {
      if (!gone.signal.aborted) console.error('mcp:', error?.message ?? error);
    }
    if (!found) {
      answered(failure(message.id, INTERNAL_ERROR, 'The server gave no response.'));
      await write(withMessage('event: message', await outcome)).catch(() => {});
    }
    await writer.close().catch(() => {});
  };
  const pumped = pump().catch(() => {});
  context?.waitUntil?.(pumped);
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  return new Response(readable, { status: response.status, headers });
}

/** A message alone. An error has the status of the server: by 404 a client knows that its session has ended, by 401 that it is to log in. */
function asServerSaid(request, message, failed) {
  if (!failed || !message.error || message.error.data?.code === 'mcp_result_elsewhere') return asJson(request, message);
  const headers = new Headers();
  for (const name of ['www-authenticate', 'retry-after']) {
    if (failed.headers.has(name)) headers.set(name, failed.headers.get(name));
  }
  return Response.json(message, { status: failed.status, headers });
}

/** A message alone, as the client takes it. */
function asJson(request, message) {
  // A client of the old transport reads nothing but the status of an answer that is no error.
  if (message.error?.data?.code === 'mcp_result_elsewhere') return Response.json(message, { status: 501 });
  const accept = request.headers.get('accept') ?? '*/*';
  if (/application\/json|\*\/\*/.test(accept)) return Response.json(message);
  return new Response(`event: message\ndata: ${JSON.stringify(message)}\n\n`, { headers: { 'content-type': 'text/event-stream' } });
}

/** The response message of a paid message. `forward(message, more)` gives the server's own. */
async function paid({ request, env, context, gate, priced, calls, paths }, message, forward) {
  const { kind, called, key, price } = priceOf(message, priced);
  if (!price) return failure(message.id, INVALID_PARAMS, `${String(called)} is not offered here.`);
  if (typeof price.credits === 'function' && hasLookAlikes(message.params)) return failure(message.id, INVALID_PARAMS, 'Two members are one to some servers, and the price is a function of the call.');
  if (paths.has(new URL(request.url).pathname)) return elsewhere(message.id);
  if (message.params?.task !== undefined) return failure(message.id, METHOD_NOT_FOUND, `${called} is not called as a task: the result of a paid call comes in its own response.`);
  const { params = {} } = message;
  const args = params.arguments ?? {};
  const payment = paymentOf(params);
  const credential = credentialHeader(params);
  const token = payment ? toToken(payment) : credential ? undefined : tokenOfBearer(request) ?? request.headers.get('payment-signature');
  let answered;
  const asked = new Request(`${INSIDE}/${kind}/${segment(key)}`, {
    method: 'POST', signal: request.signal, body: JSON.stringify({ name: called, args }),
    headers: { 'content-type': 'application/json', ...(token && { 'payment-signature': token }), ...(credential && { authorization: credential }), ...kept(request) },
  });
  const response = await gate.serve(asked, env, context, async (_, { paymentContext }) => {
    const marked = markedId(message.id);
    const forget = calls.add(request, message.id, marked);
    try {
      answered = { ...await forward({ ...withoutPayment(message), id: marked }, { paymentContext }), id: message.id };
    } finally {
      forget();
    }
    // A tool that failed delivers nothing that was paid for.
    if (answered.error || answered.result?.isError) return new Response(null, { status: 422 });
    const headers = new Headers();
    if (typeof price.credits === 'function' && price.maxAmount !== undefined) {
      const about = Object.assign(request, { toolName: called, logicalUrl: paymentContext.paymentRequired.resource.url });
      headers.set(COST, wholeNumber(await price.credits({ name: called, args, result: answered.result, request: about })));
    }
    return new Response(null, { headers });
  });
  const header = (name) => response.headers.get(name);
  const receipt = header('payment-response') ? fromBase64(header('payment-response')) : undefined;
  if (response.status === 422 && answered) return answered;
  if (response.ok && answered) {
    const result = receipt ? withReceipt(answered.result, receipt, creditsOf(receipt, payment)) : answered.result;
    return { ...answered, result: withMppReceipt(result, header('payment-receipt'), params) };
  }
  const said = await response.json().catch(() => ({}));
  if (response.status !== 402) {
    const after = header('retry-after');
    return failure(message.id, INTERNAL_ERROR, said.message ?? 'The request could not be verified.', { code: said.error, ...(after && { retryAfter: Number(after) }) });
  }
  const required = asRequired(header('payment-required') ? fromBase64(header('payment-required')) : undefined, { said, answered });
  const challenges = readChallenges(header('www-authenticate'));
  const code = credential && said.code;
  const because = said.message ?? 'Payment required';
  // A client that paid by MPP reads errors; one that did not pay may know x402 alone, which has results of tools.
  if (challenges.length > 0 && (code || kind !== 'tools')) return { jsonrpc: '2.0', id: message.id, error: paymentError({ challenges, required, code, message: because }) };
  if (kind !== 'tools') return failure(message.id, PAYMENT_REQUIRED, because, required);
  const result = challenges.length > 0 ? withChallenges(unpaidResult(required), challenges) : unpaidResult(required);
  return { jsonrpc: '2.0', id: message.id, result: receipt ? withReceipt(result, receipt) : result };
}

/** Headers of the client that the gate or its log uses. */
function kept(request) {
  const found = {};
  for (const name of ['x-correlation-id', 'user-agent', 'x-payment-pass']) {
    const value = request.headers.get(name);
    if (value) found[name] = value;
  }
  return found;
}

/** An access token that came as a bearer, as Nevermined's MCP clients send it; a bearer of OAuth's is none. */
function tokenOfBearer(request) {
  const [, token] = /^bearer\s+(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const payload = token && fromBase64(token);
  return payload?.x402Version !== undefined && payload.accepted !== undefined ? token : undefined;
}

/** The PaymentRequired of a 402, with the reason as x402 says it. */
function asRequired(required, { said, answered }) {
  const error = answered ? 'settlement failed' : said.code === 'payment_missing' ? 'payment required' : said.message ?? 'payment required';
  return { x402Version: 2, resource: { url: '' }, accepts: [], ...required, error };
}

/** The receipt in the words of Nevermined's SDKs. */
function creditsOf({ success, transaction, creditsRedeemed, remainingBalance, payer }, payment) {
  return {
    success, ...(transaction && { txHash: transaction }), creditsRedeemed: creditsRedeemed ?? '0',
    ...(remainingBalance !== undefined && { remainingBalance }), ...(payment?.accepted?.planId && { planId: payment.accepted.planId }),
    ...(payer && { subscriberAddress: payer }),
  };
}
