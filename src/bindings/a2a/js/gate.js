// The seller of A2A: a gate in front of an agent's fetch handler. Each message becomes a request to the one gate of the package; what the gate answers is said in
// the task again, in band or by HTTP. What an agent makes of a message is delivered once it is settled.
import { withCors } from '../../mcp/js/cors.js';
import { fromBase64 } from '../../http/json_base64.js';
import { toToken } from '../../mcp/js/messages.js';
import { answerRest, restCall } from './rest.js';
import { events, withMessage } from '../../mcp/js/sse.js';
import { ERROR, EXTENSION, RECEIPTS, REQUIRED, SENDS, STATUS, STREAMS, creditsOf, isEnd, isFree, paymentOf, stateOf, taskOf, taskResult, view, withMetadata, withoutPayment } from './wire.js';

/** The most that a POST to an agent may weigh, in bytes. */
const MAX_BODY = 4 * 1024 * 1024;
/** How many tasks are remembered that were not paid for. */
const MOST_TASKS = 10_000;
/** The codes of JSON-RPC, and the one of Nevermined's agents for a payment. */
const [PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INTERNAL_ERROR, PAYMENT, TASK_NOT_FOUND] = [-32700, -32600, -32601, -32603, -32001, -32001];
/** The header in which an answer says what it cost, between the handler and the gate. */
const COST = 'x-a2a-credits';
const HEADERS = ['a2a-version', 'a2a-extensions', 'x-a2a-extensions'];

/** Methods about a task that was paid for, or about the agent. What is not listed is not offered. */
const FREE = new Set([
  'tasks/get', 'tasks/cancel', 'tasks/resubscribe', 'agent/getAuthenticatedExtendedCard',
  ...['set', 'get', 'list', 'delete'].map((name) => `tasks/pushNotificationConfig/${name}`),
  'GetTask', 'CancelTask', 'SubscribeToTask', 'GetExtendedAgentCard',
  'CreateTaskPushNotificationConfig', 'GetTaskPushNotificationConfig', 'ListTaskPushNotificationConfigs', 'DeleteTaskPushNotificationConfig',
]);

/**
 * A fetch handler that sells the messages of an agent. `paywall` is the package's; `handler` the agent's own fetch handler, or its URL. `credits` is a number, a function of
 * the call, or with `maxAmount` what the agent says it used (`metadata.creditsUsed`), up to that.
 */
export function createA2aGate(paywall, problem) {
  return (handler, { planId, planIds, agentId, credits = 1, maxAmount, unbounded = false, allowedOrigins, ...options } = {}) => {
    const plans = planIds ?? (planId === undefined ? [] : [planId]);
    if (!Array.isArray(plans) || plans.length === 0 || (planId !== undefined && planIds !== undefined)) throw problem('config_invalid', 'planId, or planIds, must name the plans that pay');
    if (typeof credits !== 'function' && !(typeof credits === 'bigint' || Number.isSafeInteger(credits))) throw problem('config_invalid', 'credits must be a whole number of credits or a function of the call');
    const price = maxAmount !== undefined ? { by: 'origin', name: COST, most: Number(maxAmount) }
      : typeof credits === 'function' ? async (request) => credits(await request.json()) : Number(credits);
    const route = { ...(plans.length === 1 ? { planId: plans[0] } : { plans: plans.map((planId) => ({ planId })) }), ...(agentId && { agentId }), credits: price };
    const gate = paywall(() => new Response(null, { status: 404 }), { ...options, routes: { 'POST /': route, 'POST /*path': route }, unlisted: 'deny' });
    const ask = typeof handler === 'string' ? (request) => fetch(handler, request) : handler;
    const shared = { ask, gate, credits, maxAmount, unbounded, unpaid: new Set() };
    const fetchHandler = withCors((request, env, context) => {
      const one = (request) => answer({ ...shared, request, env, context });
      const call = restCall(request);
      return call ? answerRest(request, call, MAX_BODY, one) : one(request);
    }, allowedOrigins, HEADERS);
    return Object.assign(fetchHandler, { ready: (env) => gate.ready(env), close: () => gate.close() });
  };
}

const failure = (id, code, message, data) => ({ jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data && { data }) } });

async function answer(around) {
  const { request, ask, env, context, unpaid } = around;
  // A path that an agent behind could take for a call of HTTP and JSON, in another spelling than this gate's.
  if (/:|%3a/i.test(new URL(request.url).pathname)) return Response.json(failure(null, METHOD_NOT_FOUND, 'No call is at this path.'), { status: 404 });
  if (request.method !== 'POST') return ask(request, { env, ctx: context });
  const bytes = Number(request.headers.get('content-length') ?? 0) > MAX_BODY ? undefined : await request.arrayBuffer();
  if (!bytes || bytes.byteLength > MAX_BODY) return Response.json(failure(null, INVALID_REQUEST, 'The request is larger than 4 MiB.'), { status: 413 });
  let call;
  try {
    call = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return Response.json(failure(null, PARSE_ERROR, 'The request is not JSON.'));
  }
  if (call === null || typeof call !== 'object' || Array.isArray(call) || typeof call.method !== 'string') return Response.json(failure(call?.id, INVALID_REQUEST, 'The request is no call of JSON-RPC.'));
  if (SENDS.has(call.method) || STREAMS.has(call.method)) {
    const { message } = call.params ?? {};
    if (typeof message !== 'object' || message === null) return Response.json(failure(call.id, -32602, 'params.message is missing.'));
    return paid(around, call);
  }
  if (!FREE.has(call.method)) return Response.json(failure(call.id, METHOD_NOT_FOUND, `${call.method} is not offered here.`));
  const { id, taskId, name } = call.params ?? {};
  if ([id, taskId, ...String(name ?? '').split('/')].some((one) => unpaid.has(String(one)))) return Response.json(failure(call.id, TASK_NOT_FOUND, 'The message of this task is not paid for.'));
  return ask(resend(request, call), { env, ctx: context });
}

/** The request with a call as its body. What pays is not passed on. */
function resend(request, call) {
  const headers = new Headers(request.headers);
  for (const name of ['content-length', 'content-encoding', 'payment-signature', 'x-payment']) headers.delete(name);
  headers.set('content-type', 'application/json');
  if (tokenOfBearer(request) || /(^|[\s,])payment\s/i.test(headers.get('authorization') ?? '')) headers.delete('authorization');
  return new Request(request.url, { method: 'POST', headers, body: JSON.stringify(call), ...(request.cf && { cf: request.cf }) });
}

/** An access token that came as a bearer; a bearer of OAuth's is none. */
function tokenOfBearer(request) {
  const [, token] = /^bearer\s+(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const payload = token && fromBase64(token);
  return payload?.x402Version !== undefined && payload.accepted !== undefined ? token : undefined;
}

/** Answers a message: the agent runs once its payment is verified, and what it made goes out once that is settled. */
async function paid(around, call) {
  const { request, env, context, gate, credits, maxAmount, unpaid } = around;
  const payment = paymentOf(call);
  const token = payment ? toToken(payment) : request.headers.get('payment-signature') ?? tokenOfBearer(request);
  const asks = [request.headers.get('x-a2a-extensions'), request.headers.get('a2a-extensions')].some((list) => list?.includes('a2a-x402'));
  const inBand = payment !== undefined || (asks && !token);
  const headers = { 'content-type': 'application/json' };
  for (const name of ['x-correlation-id', 'user-agent', 'x-payment', ...(tokenOfBearer(request) ? [] : ['authorization'])]) {
    const value = request.headers.get(name);
    if (value) headers[name] = value;
  }
  if (token) headers['payment-signature'] = token;
  // An agent that has done its work has a task to show for it: it is settled even if the client has gone.
  const { origin, pathname } = new URL(request.url);
  const asked = new Request(origin + (pathname.replace(/\/+$/, '') || '/'), { method: 'POST', headers, body: JSON.stringify(withoutPayment(call)) });
  const way = { call, inBand, answered: undefined };
  let opened;
  const started = new Promise((resolve) => { opened = resolve; });
  const outcome = gate.serve(asked, env, context, async (_, { paymentContext }) => {
    way.answered = await forward(around, way, paymentContext, opened);
    const found = view(way.answered.result);
    const reported = way.reported ?? creditsOf(found);
    if (way.answered.error || !found.kind || (isFree(found) && reported === undefined)) return new Response(null, { status: 422 });
    const own = new Headers();
    if (maxAmount !== undefined) {
      const used = typeof credits === 'function' ? await credits({ ...call, result: way.answered.result }) : reported;
      if (used !== undefined) own.set(COST, String(used));
    }
    return new Response(null, { headers: own });
  }).then((response) => settled(way, response)).then((said) => {
    // A task whose settlement was refused stays closed.
    if (said.unpaid && way.task) {
      unpaid.add(way.task);
      if (unpaid.size > MOST_TASKS) unpaid.delete(unpaid.values().next().value);
    } else if (way.task) {
      unpaid.delete(way.task);
    }
    return said;
  });
  const first = await Promise.race([started, outcome.then(() => undefined, () => undefined)]);
  if (first) return pump(around, way, first, outcome);
  const said = await outcome;
  if (said.response) return said.response;
  return STREAMS.has(call.method) ? asStream([said.message], inBand) : Response.json(said.message, { headers: inBand ? { 'x-a2a-extensions': EXTENSION } : {} });
}

/** Sends the message to the agent, and gives its last word. Of a stream `opened` is told at once. */
async function forward({ request, ask, env, context }, way, paymentContext, opened) {
  const { call } = way;
  const report = (used) => { if (/^\d+$/.test(String(used))) way.reported = BigInt(used); };
  const response = await ask(resend(request, withoutPayment(call)), { env, ctx: context, paymentContext, report });
  if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
    return new Promise((answered) => opened({ response, answered }));
  }
  try {
    const found = await response.json();
    if (found?.result === undefined && found?.error === undefined) throw new Error('no response of JSON-RPC');
    way.task = taskOf(view(found.result));
    return found;
  } catch {
    return failure(call.id, INTERNAL_ERROR, 'The agent gave no response.');
  }
}

/** The answer of the gate in the terms of the client: `{ message }` of JSON-RPC, or `{ response }` of HTTP; `unpaid` where nothing is delivered. */
async function settled({ call, inBand, answered, task }, response) {
  const decoded = (name) => (response.headers.get(name) ? fromBase64(response.headers.get(name)) : undefined);
  const receipt = decoded('payment-response');
  if (response.status === 422 && answered) return { message: answered };
  if (response.ok && answered) {
    const message = receipt ? { ...answered, result: withMetadata(answered.result, { [STATUS]: 'payment-completed', [RECEIPTS]: [receipt] }) } : answered;
    if (inBand || !receipt || STREAMS.has(call.method)) return { message };
    const headers = copied(response, ['payment-response', 'payment-receipt', 'cache-control']);
    return { message, response: Response.json(message, { headers }) };
  }
  const said = await response.json().catch(() => ({}));
  const words = said.message ?? 'The payment could not be verified.';
  if (response.status !== 402) {
    const headers = copied(response, ['retry-after', 'payment-response', 'cache-control']);
    const message = failure(call.id, INTERNAL_ERROR, words, { code: said.code });
    return { message, unpaid: true, ...(!inBand && { response: Response.json(message, { status: response.status, headers }) }) };
  }
  const required = decoded('payment-required');
  if (!inBand) {
    const headers = copied(response, ['payment-required', 'payment-response', 'www-authenticate', 'cache-control']);
    const message = failure(call.id, PAYMENT, words, { code: said.code });
    return { message, unpaid: true, response: Response.json(message, { status: 402, headers }) };
  }
  const missing = said.code === 'payment_missing';
  const metadata = {
    [STATUS]: missing ? 'payment-required' : answered ? 'payment-failed' : required ? 'payment-required' : 'payment-rejected',
    ...(required && { [REQUIRED]: required }), ...(!missing && { [ERROR]: said.code }), ...(receipt && { [RECEIPTS]: [receipt] }),
  };
  const state = required && !answered ? 'input-required' : 'failed';
  return { message: { jsonrpc: '2.0', id: call.id, result: taskResult(call, { state, text: words, metadata, id: answered && task }) }, unpaid: true };
}

function copied(response, names) {
  const headers = new Headers();
  for (const name of names) if (response.headers.get(name)) headers.set(name, response.headers.get(name));
  return headers;
}

/** Hands on the stream of an agent: what it is doing goes out at once, what it made once it is settled. */
function pump({ unbounded, unpaid, context }, way, { response, answered }, outcome) {
  const { call } = way;
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  // A client that has gone reads no more; the agent goes on, and is settled.
  const write = (text) => writer.write(encoder.encode(`${text}\n\n`)).catch(() => {});
  const run = async () => {
    const held = [];
    let last;
    try {
      for await (const { text, message } of events(response.body)) {
        const found = view(message?.result);
        way.task ??= taskOf(found);
        // Nobody gets by its id what is not paid for yet.
        if (way.task && !unbounded) unpaid.add(way.task);
        const ends = message?.error || found.kind === 'message' || isEnd(stateOf(found.data));
        if (ends) {
          last = { text, message };
          break;
        }
        const isProgress = found.kind === 'statusUpdate' || (found.kind === 'task' && !found.data.artifacts?.length);
        if (unbounded || isProgress || message === undefined) await write(text);
        else held.push(text);
      }
    } catch (error) {
      console.error('a2a:', error?.message ?? error);
    }
    answered(last?.message ?? failure(call.id, INTERNAL_ERROR, 'The agent gave no last word.'));
    const said = await outcome;
    if (!said.unpaid) for (const text of held) await write(text);
    await write(last && last.message.result === undefined === (said.message.result === undefined) ? withMessage(last.text, said.message) : `data: ${JSON.stringify(said.message)}`);
    await writer.close().catch(() => {});
  };
  const done = run().catch((error) => console.error('a2a:', error?.message ?? error));
  context?.waitUntil?.(done);
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  if (way.inBand) headers.set('x-a2a-extensions', EXTENSION);
  return new Response(readable, { status: response.status, headers });
}

function asStream(messages, inBand) {
  const text = messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join('');
  return new Response(text, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', ...(inBand && { 'x-a2a-extensions': EXTENSION }) } });
}
