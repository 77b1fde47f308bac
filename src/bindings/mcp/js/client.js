// The buyer of MCP: calls of the official client that are paid as `payments.fetch` pays. A call becomes a request of `fetch` whose
// transport is the client, so that consent, limits, tokens, receipts and events are the same.
import { PaymentsError } from './core.js';
import { fromBase64, toBase64 } from '../../http/json_base64.js';
import { CREDENTIAL, PAYABLE, PAYMENT, RECEIPT, requiredOfError, requiredOfResult, segment } from './messages.js';
import { challengeHeader, challengesOf, credentialInBand, receiptHeader } from './mpp.js';

/** Codes of the official client for calls that got no answer. */
const CONNECTION_CLOSED = -32000;
const REQUEST_TIMEOUT = -32001;

/** The payment for each result. */
const payments = new WeakMap();

/** Returns what was paid for a result of a wrapped client: `{ receipt, spend }`; undefined for a result of another. */
export const paymentOf = (result) => payments.get(result);

/**
 * A client of `@modelcontextprotocol/sdk` that pays for tools, resources and prompts. It has all members of `client`; a call that
 * cannot be paid rejects with the errors of `payments.fetch`.
 *
 * `url` is the address of the server: the origin that consent is about. `options` are those of `payments.fetch`.
 */
export function wrapClient(client, { buyer, url, options }) {
  const pay = paying(client, { buyer, url: address(url ?? client.transport?._url), options });
  const wrapped = new Proxy(client, {
    get(target, name) {
      if (name === 'request') {
        return (request, schema, more) => (PAYABLE.has(request?.method) ? pay(request, schema, more) : target.request(request, schema, more));
      }
      const value = Reflect.get(target, name, target);
      // Methods go through `request` above.
      return typeof value === 'function' && name !== 'constructor' ? value.bind(wrapped) : value;
    },
  });
  return wrapped;
}

/** The places of each buyer whose offers are for one set of arguments: the terms of one call are not those of another. */
const places = new WeakMap();
function placesOf(buyer) {
  if (!places.has(buyer)) places.set(buyer, new Set());
  return places.get(buyer);
}

function address(url) {
  try {
    const { href } = new URL(url);
    if (/^https?:/.test(href)) return href.replace(/[?#].*$/, '').replace(/\/$/, '');
  } catch {
    // The error below names the option.
  }
  throw new PaymentsError('url must be the http or https address of the MCP server', {
    code: 'validation', retryable: false, hint: 'mcp.wrap(client, { url }) names the server where the transport does not',
  });
}

/** Payments of this file, with whether they went out, and those that a transport is sending: how each is written, in how many messages, and how many requests may come of these. */
const presented = new WeakMap();
const beingSent = new WeakMap();

/** Lets a transport send each payment once (rule 5): the official ones send a message again after a login, which the server asks for by 401 or 403. */
function presentOnce(transport) {
  if (!transport || beingSent.has(transport)) return;
  const texts = new Map();
  beingSent.set(transport, texts);
  const { send } = transport;
  transport.send = async function once(message, ...more) {
    const meta = message?.params?._meta;
    const own = [meta?.[PAYMENT], meta?.[CREDENTIAL]].filter((payment) => presented.has(payment));
    if (own.some((payment) => presented.get(payment))) throw sentAlready();
    const written = own.map((payment) => JSON.stringify(payment));
    own.forEach((payment) => presented.set(payment, true));
    for (const text of written) {
      const { messages = 0, requests = 0 } = texts.get(text) ?? {};
      texts.set(text, { messages: messages + 1, requests: requests + 1 });
    }
    try {
      return await send.call(this, message, ...more);
    } finally {
      for (const text of written) if ((texts.get(text).messages -= 1) === 0) texts.delete(text);
    }
  };
}

const sentAlready = () => new Error('the payment of this call was sent already');

/** True for a request of a transport that pays in band: it is not paid by HTTP too. A redirect sends it a second time, which is refused. */
export function paysInBand(transport, init) {
  const texts = beingSent.get(transport) ?? new Map();
  const own = [...texts].filter(([text]) => typeof init?.body === 'string' && init.body.includes(text)).map(([, one]) => one);
  if (own.some(({ requests }) => requests === 0)) throw sentAlready();
  for (const one of own) one.requests -= 1;
  return own.length > 0;
}

function paying(client, { buyer, url, options }) {
  const byArguments = placesOf(buyer);
  return async (request, schema, more) => {
    const { kind, name } = PAYABLE.get(request.method);
    const place = `${url}/${kind}/${segment(name(request.params) ?? '')}`;
    const own = byArguments.has(place) ? `${place}/${segment(JSON.stringify(request.params?.arguments ?? null))}` : place;
    let result;
    let failure;
    let challenges = [];
    presentOnce(client.transport);
    const send = async (sent) => {
      [result, failure] = [undefined, undefined];
      try {
        result = await client.request(inBand(request, sent.headers, challenges), schema, { ...more, signal: sent.signal });
      } catch (error) {
        if (!isAnswer(error)) throw error;
        failure = error;
      }
      challenges = challengesOf({ result, failure });
      const required = failure ? requiredOfError(failure) : requiredOfResult(result);
      if (/\?/.test(required?.resource?.url)) byArguments.add(place);
      return asResponse({ result, failure, required, challenges });
    };
    let paid;
    try {
      paid = await buyer.fetch(own, { method: 'POST', ...(more?.signal && { signal: more.signal }) }, { ...options, fetch: send });
    } catch (error) {
      // A call that cost nothing fails as it does without payments.
      if (error.code === 'network_error' && error.spend?.outcome === 'none' && error.cause) throw error.cause;
      throw error;
    }
    const { receipt, spend } = paid;
    if (failure) {
      payments.set(failure, { receipt, spend });
      throw failure;
    }
    payments.set(result, { receipt, spend });
    return result;
  };
}

/** A request with its payment. */
function inBand(request, headers, challenges) {
  const token = headers.get('payment-signature');
  const payment = token && fromBase64(token);
  const credential = credentialInBand(headers.get('authorization'), challenges);
  if (!payment && !credential) return request;
  for (const one of [payment, credential]) if (one) presented.set(one, false);
  const meta = { ...request.params?._meta, ...(payment && { [PAYMENT]: payment }), ...(credential && { [CREDENTIAL]: credential }) };
  return { ...request, params: { ...request.params, _meta: meta } };
}

/** True if an error is the server's answer. Otherwise nobody knows what became of the call. */
const isAnswer = ({ code }) => Number.isInteger(code) && code !== CONNECTION_CLOSED && code !== REQUEST_TIMEOUT;

/** The answer of the server as HTTP says it. */
function asResponse({ result, failure, required, challenges }) {
  const headers = new Headers();
  const set = (name, value) => value && headers.set(name, value);
  set('payment-response', result?._meta?.[RECEIPT] && toBase64(result._meta[RECEIPT]));
  set('payment-receipt', receiptHeader(result));
  set('payment-required', required && toBase64(required));
  set('www-authenticate', challengeHeader(challenges));
  if (headers.has('payment-required') || headers.has('www-authenticate')) {
    const said = failure && challenges.length > 0 && { message: failure.message, code: failure.data?.code };
    return new Response(JSON.stringify({ ...required, ...said }), { status: 402, headers });
  }
  const status = [401, 402].includes(failure?.code) ? failure.code : 500;
  return new Response(null, { status: failure || result?.isError ? status : 200, headers });
}
