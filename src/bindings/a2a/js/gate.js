// The seller of A2A: a gate in front of an agent's fetch handler. Each message becomes a request to the one gate of the package; what the gate answers is said in
// the task again, in band or by HTTP. What an agent makes of a message is delivered once it is settled.
import { withCors } from '../../mcp/js/cors.js';
import { fromBase64 } from '../../http/json_base64.js';
import { hasLookAlikes } from '../../mcp/js/look_alikes.js';
import { toToken } from '../../mcp/js/messages.js';
import { answerRest, restCall } from './rest.js';
import { events, withMessage } from '../../mcp/js/sse.js';
import { ClosedTasks } from './closed_tasks.js';
import { ERROR, EXTENSION, RECEIPTS, REQUIRED, SENDS, STATUS, STREAMS, artifactsOf, creditsOf, hasOtherSpelling, isEnd, isFree, paymentOf, stateOf, taskOf, taskResult, view, withMetadata, withoutArtifacts, withoutPayment } from './wire.js';

/** The most that a POST to an agent may weigh, in bytes. */
const MAX_BODY = 4 * 1024 * 1024;
/** The codes of JSON-RPC, and the one of Nevermined's agents for a payment. */
const [PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR, PAYMENT, TASK_NOT_FOUND] = [-32700, -32600, -32601, -32602, -32603, -32001, -32001];
/** The header in which an answer says what it cost, between the handler and the gate. */
const COST = 'x-a2a-credits';
const HEADERS = ['a2a-version', 'a2a-extensions', 'x-a2a-extensions'];

/** The methods whose requests have no body. */
const BODILESS = ['GET', 'HEAD', 'DELETE', 'OPTIONS'];
/** The members of parameters and messages by which the gate knows what a call is about. */
const PARAMETERS = ['id', 'taskId', 'name', 'message', 'configuration', 'metadata'];
const MEMBERS = ['taskId', 'contextId', 'messageId', 'metadata', 'parts', 'role', 'kind'];
/** The methods that are answered with a task. */
const READS = new Set(['tasks/get', 'tasks/cancel', 'GetTask', 'CancelTask']);

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
    const shared = { ask, gate, credits, maxAmount, unbounded, closed: new ClosedTasks() };
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
  const { request, ask, env, context, closed } = around;
  // A path that an agent behind could take for a call of HTTP and JSON, in another spelling than this gate's.
  if (isCallByPath(new URL(request.url).pathname, request.method)) return Response.json(failure(null, METHOD_NOT_FOUND, 'No call is at this path.'), { status: 404 });
  if (request.method !== 'POST') {
    if (!BODILESS.includes(request.method)) return Response.json(failure(null, INVALID_REQUEST, 'Calls come by POST.'), { status: 405, headers: { allow: ['POST', ...BODILESS].join(', ') } });
    if (/websocket/i.test(request.headers.get('upgrade') ?? '')) return Response.json(failure(null, INVALID_REQUEST, 'Calls come by POST: messages are not sold over a WebSocket.'), { status: 501 });
    return ask(request.body ? resend(request, undefined, request.method) : request, { env, ctx: context });
  }
  const bytes = Number(request.headers.get('content-length') ?? 0) > MAX_BODY ? undefined : await request.arrayBuffer();
  if (!bytes || bytes.byteLength > MAX_BODY) return Response.json(failure(null, INVALID_REQUEST, 'The request is larger than 4 MiB.'), { status: 413 });
  let call;
  try {
    // Other members do not reach the agent, which may know them by other letters.
    const { jsonrpc, id, method, params } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) ?? {};
    call = { jsonrpc, id, method, params };
  } catch {
    return Response.json(failure(null, PARSE_ERROR, 'The request is not JSON.'));
  }
  if (typeof call.method !== 'string') return Response.json(failure(call.id, INVALID_REQUEST, 'The request is no call of JSON-RPC.'));
  if (hasOtherSpelling(call.params, PARAMETERS) || hasOtherSpelling(call.params?.message, MEMBERS)) return Response.json(failure(call.id, INVALID_PARAMS, 'A member of params has another spelling than that of A2A.'));
  if (SENDS.has(call.method) || STREAMS.has(call.method)) {
    const { message } = call.params ?? {};
    if (typeof message !== 'object' || message === null) return Response.json(failure(call.id, INVALID_PARAMS, 'params.message is missing.'));
    if (typeof around.credits === 'function' && hasLookAlikes(call.params)) return Response.json(failure(call.id, INVALID_PARAMS, 'Two members are one to some agents, and the price is a function of the call.'));
    return paid(around, call);
  }
  if (!FREE.has(call.method)) return Response.json(failure(call.id, METHOD_NOT_FOUND, `${call.method} is not offered here.`));
  const refused = () => Response.json(failure(call.id, TASK_NOT_FOUND, 'The message of this task is not paid for.'));
  const reads = READS.has(call.method);
  if (closed.isNamed(call.params, { readable: reads })) return refused();
  const response = await ask(resend(request, call), { env, ctx: context });
  if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) return closed.stream(response);
  return reads ? await closed.read(response, call) ?? refused() : response;
}

/** True for a path of a call of HTTP and JSON, in whatever spelling: calls of this gate's own come without one. */
function isCallByPath(path, method) {
  try {
    const plain = decodeURIComponent(path).toLowerCase();
    return plain.includes(':') || (method !== 'POST' && /[/\\]tasks([/\\;]|$)/.test(plain));
  } catch {
    return method !== 'POST';
  }
}

/** The request with a call as its body. What pays is not passed on. */
function resend(request, call, method = 'POST') {
  const headers = new Headers(request.headers);
  for (const name of ['content-length', 'content-encoding', 'payment-signature', 'x-payment']) headers.delete(name);
  if (call) headers.set('content-type', 'application/json');
  if (tokenOfBearer(request) || /(^|[\s,])payment\s/i.test(headers.get('authorization') ?? '')) headers.delete('authorization');
  return new Request(request.url, { method, headers, ...(call && { body: JSON.stringify(call) }), ...(request.cf && { cf: request.cf }) });
}

/** An access token that came as a bearer; a bearer of OAuth's is none. */
function tokenOfBearer(request) {
  const [, token] = /^bearer\s+(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const payload = token && fromBase64(token);
  return payload?.x402Version !== undefined && payload.accepted !== undefined ? token : undefined;
}

/** Answers a message: the agent runs once its payment is verified, and what it made goes out once that is settled. */
async function paid(around, call) {
  const { request, env, context, gate, credits, maxAmount, closed } = around;
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
  const way = { call, inBand, answered: undefined, isFree: false, artifacts: false };
  let opened;
  let tell;
  const delivery = new Promise((resolve) => { tell = resolve; });
  const started = new Promise((resolve) => { opened = resolve; });
  const outcome = gate.serve(asked, env, context, async (_, { paymentContext }) => {
    way.answered = await forward(around, way, { paymentContext, delivery }, opened);
    const found = view(way.answered.result);
    const reported = way.reported ?? creditsOf(found);
    if (way.answered.error || !found.kind || (isFree(found, way.artifacts || artifactsOf(found)) && reported === undefined)) {
      way.isFree = true;
      return new Response(null, { status: 422 });
    }
    const own = new Headers();
    if (maxAmount !== undefined) {
      const used = typeof credits === 'function' ? await credits({ ...call, result: way.answered.result }) : reported;
      if (used !== undefined) own.set(COST, String(used));
    }
    return new Response(null, { headers: own });
  }).then((response) => settled(way, response)).then((said) => {
    closed.end(way, said);
    return said;
  }, (error) => {
    closed.end(way, { unpaid: true });
    throw error;
  });
  // The agent hears if what it makes may go out: `paid`, `free` for a state that costs nothing, or `unpaid`.
  outcome.then(({ unpaid, free }) => tell(unpaid ? 'unpaid' : free ? 'free' : 'paid'), () => tell('unpaid'));
  const first = await Promise.race([started, outcome.then(() => undefined, () => undefined)]);
  if (first) return pump(around, way, first, outcome);
  const said = await outcome;
  if (said.response) return said.response;
  return STREAMS.has(call.method) ? asStream([said.message], inBand) : Response.json(said.message, { headers: inBand ? { 'x-a2a-extensions': EXTENSION } : {} });
}

/** Sends the message to the agent, and gives its last word. Of a stream `opened` is told at once. */
async function forward({ request, ask, env, context, closed, unbounded }, way, more, opened) {
  const { call } = way;
  // Nobody gets by its id what is not paid for yet.
  if (!unbounded) closed.begin(way, call.params.message.taskId);
  const report = (used) => { if (/^\d+$/.test(String(used))) way.reported = BigInt(used); };
  const response = await ask(resend(request, withoutPayment(call)), { env, ctx: context, ...more, report });
  if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
    return new Promise((answered) => opened({ response, answered }));
  }
  try {
    const found = await response.json();
    if (found?.result === undefined && found?.error === undefined) throw new Error('no response of JSON-RPC');
    way.task = taskOf(view(found.result)) ?? way.task;
    way.hasAnswered = true;
    return found;
  } catch {
    return failure(call.id, INTERNAL_ERROR, 'The agent gave no response.');
  }
}

/** The answer of the gate in the terms of the client: `{ message }` of JSON-RPC, or `{ response }` of HTTP; `unpaid` where nothing is delivered. */
async function settled({ call, inBand, answered, task, isFree: free }, response) {
  const decoded = (name) => (response.headers.get(name) ? fromBase64(response.headers.get(name)) : undefined);
  const receipt = decoded('payment-response');
  // An answer that costs nothing has no artifacts.
  if (free && response.status === 422) return { message: { ...answered, ...(answered.result && { result: withoutArtifacts(answered.result) }) }, free };
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
function pump({ unbounded, closed, context }, way, { response, answered }, outcome) {
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
      for await (const { text, data, message } of events(response.body)) {
        const found = view(message?.result);
        way.task ??= taskOf(found);
        if (!unbounded) closed.begin(way, way.task);
        way.artifacts ||= artifactsOf(found);
        const ends = message?.error || found.kind === 'message' || isEnd(stateOf(found.data));
        if (ends) {
          last = { text, message };
          way.hasAnswered = true;
          break;
        }
        const isProgress = found.kind === 'statusUpdate' || (found.kind === 'task' && !artifactsOf(found));
        // Some clients read what is no JSON.
        if (unbounded || isProgress || (message === undefined && !data)) await write(text);
        else held.push(text);
      }
    } catch (error) {
      console.error('a2a:', error?.message ?? error);
    }
    answered(last?.message ?? failure(call.id, INTERNAL_ERROR, 'The agent gave no last word.'));
    const said = await outcome;
    if (!said.unpaid && !said.free) for (const text of held) await write(text);
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
