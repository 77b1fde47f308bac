// `payments.a2a`: a `fetch` for clients of A2A agents, such as the official one, that pays for messages in band. An agent that asks for a
// payment answers with a task in the state `input-required`; the message goes out again with the payment in its metadata. Consent, limits,
// tokens, receipts and events are those of `payments.fetch`, whose transport this is.
import { fromBase64, toBase64 } from '../../http/json_base64.js';
import { problem } from './core.js';

const STATUS = 'x402.payment.status';
const REQUIRED = 'x402.payment.required';
const PAYLOAD = 'x402.payment.payload';
const RECEIPTS = 'x402.payment.receipts';
const ERROR = 'x402.payment.error';

/** The methods that send a message and get one answer: of version 0.3, and of 1.0. */
const SENDS = new Set(['message/send', 'SendMessage']);
/** The code of an error: there is no such task. */
const TASK_NOT_FOUND = -32001;
/** The extension, as a client says that it knows it. */
const EXTENSION = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2';

export class A2a {
  #buyer;

  constructor(buyer) { this.#buyer = buyer; }

  /** A `fetch` for a client of A2A. `options` are those of `payments.fetch`. */
  fetch(options = {}) {
    if (options.fetch !== undefined && typeof options.fetch !== 'function') throw problem('validation', 'fetch must be a function');
    const buyer = this.#buyer;
    return async (input, init) => {
      const transport = options.fetch ?? globalThis.fetch;
      const call = await callOf(input, init);
      const exchange = call ? inBand(call, transport) : transport;
      const { response } = await buyer.fetch(input, init, { ...options, fetch: exchange });
      return response;
    };
  }
}

/** The JSON-RPC call of a request that sends a message; undefined for any other. */
async function callOf(input, init) {
  const body = typeof init?.body === 'string' ? init.body : input instanceof Request ? await input.clone().text() : undefined;
  const call = parsed(body);
  return SENDS.has(call?.method) && typeof call.params?.message === 'object' ? call : undefined;
}

/** Sends the message, with the payment that the request carries, and says in HTTP what the agent says in its task. */
function inBand(call, transport) {
  let asked;
  return async (request, more) => {
    const token = request.headers.get('payment-signature');
    const headers = new Headers(request.headers);
    headers.set('x-a2a-extensions', [headers.get('x-a2a-extensions'), EXTENSION].filter(Boolean).join(', '));
    headers.delete('content-length');
    const post = (sent) => transport(new Request(request.url, { method: request.method, headers, body: JSON.stringify(sent), signal: request.signal, redirect: request.redirect }), more);
    let response = await post(token ? paying(call, token, asked) : call);
    const isJson = () => response.status !== 402 && /\bjson\b/.test(response.headers.get('content-type') ?? '');
    if (!isJson()) return response;
    let text = await response.text();
    // Some agents ask with a task that they do not keep: nothing came of that message, and it goes out as a new one.
    if (token && asked && parsed(text)?.error?.code === TASK_NOT_FOUND) {
      response = await post(paying(call, token));
      if (!isJson()) return response;
      text = await response.text();
    }
    const { result } = parsed(text) ?? {};
    const task = result?.task ?? result;
    const metadata = metadataOf(task);
    const dressed = (status, name, value) => {
      const own = new Headers(response.headers);
      own.delete('content-length');
      own.delete('content-encoding');
      if (value) own.set(name, toBase64(value));
      return new Response(text, { status, headers: own });
    };
    const receipt = metadata[RECEIPTS]?.at?.(-1);
    if (metadata[STATUS] === 'payment-required' && metadata[REQUIRED]) {
      asked = task;
      return dressed(402, 'payment-required', { ...metadata[REQUIRED], ...(metadata[ERROR] && { error: metadata[ERROR] }) });
    }
    return dressed(response.status, 'payment-response', receipt);
  };
}

/** The metadata of a task: of its status, or its own. */
function metadataOf(task) {
  const own = task?.status?.message?.metadata ?? {};
  return own[STATUS] ? own : { ...own, ...task?.metadata };
}

/** The call with its payment. It answers the task that asked for it. */
function paying(call, token, asked) {
  const payload = fromBase64(token);
  if (!payload) return call;
  const { message } = call.params;
  return {
    ...call,
    params: {
      ...call.params,
      message: {
        ...message, messageId: crypto.randomUUID(), ...(asked?.id && { taskId: asked.id, ...(asked.contextId && { contextId: asked.contextId }) }),
        metadata: { ...message.metadata, [STATUS]: 'payment-submitted', [PAYLOAD]: payload },
      },
    },
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
