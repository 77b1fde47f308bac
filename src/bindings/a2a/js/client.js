// `payments.a2a`: buying and selling over A2A; what sells is in `payments-wasm/a2a`. The buyer is a `fetch` for clients of A2A agents, such as the official one, that pays for messages in band. An agent that asks for a
// payment answers with a task in the state `input-required`; the message goes out again with the payment in its metadata. Consent, limits,
// tokens, receipts and events are those of `payments.fetch`, whose transport this is.
import { fromBase64, toBase64 } from '../../http/json_base64.js';
import { lazily, problem } from './core.js';
import { paymentOfCard } from './card.js';

const STATUS = 'x402.payment.status';
const REQUIRED = 'x402.payment.required';
const PAYLOAD = 'x402.payment.payload';
const RECEIPTS = 'x402.payment.receipts';
const ERROR = 'x402.payment.error';

/** The methods that send a message: of version 0.3, and of 1.0. */
const SENDS = new Set(['message/send', 'SendMessage', 'message/stream', 'SendStreamingMessage']);
/** The paths that send a message in the binding to HTTP and JSON. */
const REST = /\/message:(send|stream)(\?|$)/;
/** The most that is read of a stream's first event, in characters. */
const MAX_EVENT = 256 * 1024;
/** The code of an error and its reason in HTTP and JSON: there is no such task. */
const TASK_NOT_FOUND = [-32001, 'TASK_NOT_FOUND'];
/** The extension, as a client says that it knows it. */
const EXTENSION = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2';

/** The parts that `payments-wasm/a2a` has handed over. */
let parts;
export function provide(given) { parts = given; }

/** The parts that sell. A bundler must not look for the official SDK: only `payments-wasm/a2a` names it. */
async function whole(load) {
  if (parts) return parts;
  try {
    // Only the entries for Node have it: elsewhere the program imports it.
    if (!load) throw new Error('only the entries for Node import it by themselves');
    await load('payments-wasm/a2a');
    // A program in one file has a copy of this module, and what was imported handed its parts to the package's own.
    if (!parts) throw new Error('the program is bundled');
  } catch (cause) {
    throw problem('a2a_not_loaded', `payments-wasm/a2a cannot be loaded: ${cause?.message ?? cause}`, "install @a2a-js/sdk, and in a bundled program import 'payments-wasm/a2a'", { cause });
  }
  return parts;
}

export class A2a {
  #buyer;
  #seller;
  #load;

  /** `buyer` is the instance of `Payments`, `seller` gives the options of the gate: key, environment, backend; `load` imports what needs the official SDK. */
  constructor(buyer, seller = () => ({}), load = lazily.mcp) {
    this.#buyer = buyer;
    this.#seller = seller;
    this.#load = load;
  }

  /** The card of an agent, with the extensions that say how it is paid. */
  async buildPaymentAgentCard(card, payment) { return (await whole(this.#load)).buildPaymentAgentCard(card, payment); }

  /** A fetch handler of an agent that is paid for, for every runtime. It loads with its first request. */
  handler(options) {
    let made;
    const make = () => (made ??= this.#make(options).catch((error) => { made = undefined; throw error; }));
    return Object.assign(async (...given) => (await make())(...given), { ready: async (env) => (await make()).ready(env), close: async () => (await made)?.close() });
  }

  async #make({ agentCard, executor, taskStore, pushNotificationStore, pushNotificationSender, basePath = '/', exposeAgentCard = true, ...options } = {}) {
    const { a2aPaywall, createAgentHandler, sdk } = await whole(this.#load);
    if (typeof executor?.execute !== 'function') throw problem('config_invalid', 'executor must have a method execute');
    const payment = paymentOfCard(agentCard);
    if (!payment) throw problem('config_invalid', 'agentCard must say how it is paid', 'make it with buildPaymentAgentCard');
    const { planId, planIds, agentId, credits, paymentType } = payment;
    const terms = { ...(planIds ? { planIds } : { planId }), agentId, ...(paymentType === 'dynamic' ? { maxAmount: credits } : { credits }) };
    const agent = createAgentHandler(sdk, { agentCard, executor, taskStore, pushNotificationStore, pushNotificationSender, basePath, exposeAgentCard });
    return a2aPaywall(agent, { ...this.#seller(), ...terms, ...options });
  }

  /** Serves an agent in Node: its card, its messages at `basePath`, `GET /health`. */
  async start({ port = 0, host = '127.0.0.1', exposeDefaultRoutes = true, ...options } = {}) {
    const { listen } = await whole(this.#load);
    const gate = await this.#make({ state: 'memory', ...options });
    await gate.ready();
    const server = await listen((request, env, context) => {
      const { pathname } = new URL(request.url);
      if (exposeDefaultRoutes && request.method === 'GET' && pathname === '/health') return Response.json({ status: 'ok', service: options.agentCard.name });
      return gate(request, env, context);
    }, { port, host });
    const close = async () => {
      server.closeAllConnections?.();
      await new Promise((done) => server.close(done));
      await gate.close();
    };
    return { server, close, info: { baseUrl: `http://${host}:${server.address().port}`, port: server.address().port } };
  }

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

/** The call of a request that sends a message, by JSON-RPC or by the binding to HTTP and JSON, whose body is the parameters alone; undefined for any other. */
async function callOf(input, init) {
  const body = typeof init?.body === 'string' ? init.body : input instanceof Request ? await input.clone().text() : undefined;
  const sent = parsed(body);
  const call = REST.test(input?.url ?? input) ? { params: sent, bare: true } : SENDS.has(sent?.method) ? sent : undefined;
  return typeof call?.params?.message === 'object' ? call : undefined;
}

/** Sends the message, with the payment that the request carries, and says in HTTP what the agent says in its task. */
function inBand(call, transport) {
  let asked;
  const resultOf = (said) => (call.bare ? said : said?.result);
  const isUnknown = (said) => [said?.error?.code, ...[said?.error?.details ?? []].flat().map((detail) => detail?.reason)].some((reason) => TASK_NOT_FOUND.includes(reason));
  return async (request, more) => {
    const token = request.headers.get('payment-signature');
    const headers = new Headers(request.headers);
    headers.set('x-a2a-extensions', [headers.get('x-a2a-extensions'), EXTENSION].filter(Boolean).join(', '));
    headers.delete('content-length');
    const post = (sent) => transport(new Request(request.url, { method: request.method, headers, body: JSON.stringify(sent.bare ? sent.params : sent), signal: request.signal, redirect: request.redirect }), more);
    const resend = () => {
      asked = undefined;
      // The agent may have settled it all the same. A token that can be burned once goes out as it is, as `resume` presents it (rule 5): a fresh one would count
      // twice. With another this is one more payment, which the buyer decides about and counts as after a redirect to the same place.
      const isSingleUse = fromBase64(token)?.payload?.authorization?.nonce !== undefined;
      return isSingleUse ? post(paying(call, token)) : new Response(null, { status: 307, headers: { location: request.url } });
    };
    let response = await post(token ? paying(call, token, asked) : call);
    if (/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')) {
      const opened = await firstEvent(response);
      let result = resultOf(opened.message);
      // As below: such an agent does not keep the task that asks.
      if (token && asked && isUnknown(opened.message)) return resend();
      result = result?.task ?? result;
      const metadata = metadataOf(result);
      if (metadata[STATUS] !== 'payment-required' || !metadata[REQUIRED]) return opened.response;
      asked = result;
      opened.response.body?.cancel().catch(() => {});
      const own = new Headers(response.headers);
      own.set('payment-required', toBase64({ ...metadata[REQUIRED], ...(metadata[ERROR] && { error: metadata[ERROR] }) }));
      return new Response(null, { status: 402, headers: own });
    }
    const isJson = () => response.status !== 402 && /\bjson\b/.test(response.headers.get('content-type') ?? '');
    if (!isJson()) return response;
    let text = await response.text();
    // Some agents ask with a task that they do not keep, and say that nothing came of that message: it goes out as a new one.
    if (token && asked && isUnknown(parsed(text))) {
      response = await resend();
      if (!isJson()) return response;
      text = await response.text();
    }
    const result = resultOf(parsed(text));
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

/** `{ message, response }`: the message in the first event of a stream, and the response with all of the stream. */
async function firstEvent(response) {
  const [one, other] = response.body.tee();
  const reader = one.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    while (!/\r\n\r\n|\n\n|\r\r/.test(text) && text.length < MAX_EVENT) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  const [first] = text.split(/\r\n\r\n|\n\n|\r\r/);
  const data = first.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n');
  return { message: parsed(data), response: new Response(other, { status: response.status, statusText: response.statusText, headers: response.headers }) };
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
