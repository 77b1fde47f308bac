// A2A by HTTP and JSON without JSON-RPC, version 1.0: each request is one call, and what the call is answered is said by HTTP again. The gate knows calls alone.
import { events } from '../../mcp/js/sse.js';

const VERSION = '1.0';
const TAIL = /^(.*)\/(?:message:(send|stream)|(extendedAgentCard)|tasks\/([^/:]+)(?::(cancel|subscribe)|\/(pushNotificationConfigs)(?:\/([^/:]+))?)?)$/;
/** Status, name of the status and reason by the codes of JSON-RPC. */
const ERRORS = {
  '-32700': [400, 'INVALID_ARGUMENT', 'INVALID_REQUEST'], '-32600': [400, 'INVALID_ARGUMENT', 'INVALID_REQUEST'], '-32601': [404, 'NOT_FOUND'], '-32602': [400, 'INVALID_ARGUMENT', 'INVALID_REQUEST'],
  '-32603': [500, 'INTERNAL'], '-32001': [404, 'NOT_FOUND', 'TASK_NOT_FOUND'], '-32002': [400, 'FAILED_PRECONDITION', 'TASK_NOT_CANCELABLE'],
  '-32003': [400, 'FAILED_PRECONDITION', 'PUSH_NOTIFICATION_NOT_SUPPORTED'], '-32004': [400, 'FAILED_PRECONDITION', 'UNSUPPORTED_OPERATION'],
  '-32005': [400, 'INVALID_ARGUMENT', 'CONTENT_TYPE_NOT_SUPPORTED'], '-32006': [500, 'INTERNAL', 'INVALID_AGENT_RESPONSE'],
  '-32007': [400, 'FAILED_PRECONDITION', 'EXTENDED_AGENT_CARD_NOT_CONFIGURED'], '-32008': [400, 'FAILED_PRECONDITION', 'EXTENSION_SUPPORT_REQUIRED'],
  '-32009': [400, 'FAILED_PRECONDITION', 'VERSION_NOT_SUPPORTED'],
};
/** Names of a status that a gate has, and JSON-RPC has no code for. */
const STATUSES = { 402: 'FAILED_PRECONDITION', 409: 'ABORTED', 413: 'INVALID_ARGUMENT', 429: 'RESOURCE_EXHAUSTED', 503: 'UNAVAILABLE' };

/** `{ base, name, params, body }` of a request by HTTP and JSON, `body` where its body are parameters too; undefined for another request. */
export function restCall(request) {
  const { pathname, searchParams } = new URL(request.url);
  const found = TAIL.exec(pathname);
  if (!found) return undefined;
  const [, base, sends, card, task, verb, push, config] = found;
  const { method } = request;
  const call = (allowed, name, params = {}, body = false) => (allowed.includes(method) ? { base: `${base}/`, name, params, body } : undefined);
  if (sends) return call(['POST'], sends === 'send' ? 'SendMessage' : 'SendStreamingMessage', {}, true);
  if (card) return call(['GET'], 'GetExtendedAgentCard');
  let id;
  let configId;
  try {
    [id, configId] = [decodeURIComponent(task), config && decodeURIComponent(config)];
  } catch {
    return undefined;
  }
  if (verb) return call(verb === 'cancel' ? ['POST'] : ['GET', 'POST'], verb === 'cancel' ? 'CancelTask' : 'SubscribeToTask', { id });
  if (push && configId) return call(['GET'], 'GetTaskPushNotificationConfig', { taskId: id, id: configId }) ?? call(['DELETE'], 'DeleteTaskPushNotificationConfig', { taskId: id, id: configId });
  if (push) return call(['POST'], 'CreateTaskPushNotificationConfig', { taskId: id }, true) ?? call(['GET'], 'ListTaskPushNotificationConfigs', { taskId: id });
  const history = searchParams.get('historyLength');
  return call(['GET'], 'GetTask', { id, ...(history !== null && { historyLength: /^\d{1,9}$/.test(history) ? Number(history) : history }) });
}

/** Answers a request by HTTP and JSON: `answer` answers the request of JSON-RPC that it is. */
export async function answerRest(request, { base, name, params, body }, most, answer) {
  const version = request.headers.get('a2a-version') ?? VERSION;
  if (!version.startsWith('1.')) return refused({ code: -32009, message: `Version ${version.slice(0, 16)} is not spoken by HTTP and JSON.` });
  let given = {};
  if (body) {
    const bytes = Number(request.headers.get('content-length') ?? 0) > most ? undefined : await request.arrayBuffer();
    if (!bytes || bytes.byteLength > most) return refused({ code: -32600, message: 'The request is larger than 4 MiB.' }, 413);
    try {
      given = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return refused({ code: -32700, message: 'The request is not JSON.' });
    }
    if (given === null || typeof given !== 'object' || Array.isArray(given)) return refused({ code: -32600, message: 'The request is no object.' });
  }
  const headers = new Headers(request.headers);
  for (const one of ['content-length', 'content-encoding']) headers.delete(one);
  headers.set('content-type', 'application/json');
  headers.set('a2a-version', version);
  // The value in the path wins.
  const call = { jsonrpc: '2.0', id: 1, method: name, params: { ...given, ...params } };
  const url = new URL(request.url);
  Object.assign(url, { pathname: base.replace(/\/+/g, '/'), search: '' });
  const answered = await answer(new Request(url, { method: 'POST', headers, body: JSON.stringify(call), signal: request.signal, ...(request.cf && { cf: request.cf }) }));
  return said(name, answered);
}

/** The answer to a call, said by HTTP. */
async function said(name, response) {
  const headers = new Headers(response.headers);
  headers.delete('content-length');
  if (/^text\/event-stream\b/i.test(headers.get('content-type') ?? '')) return new Response(stream(response.body), { headers });
  const message = await response.json().catch(() => undefined);
  if (message?.error !== undefined || !response.ok || message?.result === undefined) return refused(typeof message?.error === 'object' ? message.error : {}, response.ok ? undefined : response.status, headers);
  if (name.startsWith('Delete')) return new Response(null, { status: 204 });
  headers.set('content-type', 'application/json');
  return new Response(JSON.stringify(message.result), { status: name.startsWith('Create') ? 201 : 200, headers });
}

/** An error as `google.rpc.Status`. */
function problem({ code, message, data }, status) {
  const [usual = 500, named = 'INTERNAL', reason] = ERRORS[code] ?? [];
  const own = status ?? usual;
  const word = typeof data?.code === 'string' ? data.code.replace(/\W+/g, '_').toUpperCase() : own === usual ? reason : undefined;
  const details = word ? [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: word, domain: data?.code ? 'x402.org' : 'a2a-protocol.org' }] : [];
  return { error: { code: own, status: own === usual ? named : STATUSES[own] ?? (own === 404 ? 'NOT_FOUND' : own < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'), message: message ?? 'The agent gave no response.', details } };
}

function refused(error, status, headers = new Headers()) {
  const body = problem(error, status);
  headers.set('content-type', 'application/json');
  return new Response(JSON.stringify(body), { status: body.error.code, headers });
}

/** A stream of calls' answers as a stream of what they say. */
function stream(body) {
  const encoder = new TextEncoder();
  const answers = events(body);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await answers.next();
      if (done) return controller.close();
      const { text, message } = value;
      const line = message?.error ? `event: error\ndata: ${JSON.stringify(problem(message.error))}` : message?.result ? `data: ${JSON.stringify(message.result)}` : text;
      return controller.enqueue(encoder.encode(`${line}\n\n`));
    },
    async cancel() { await answers.return(); },
  }, { highWaterMark: 0 });
}
