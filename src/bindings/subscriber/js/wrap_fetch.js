// `fetch` for other clients, which know nothing of payments and may send a request again by themselves.
import { bytes } from '../../http/answer.js';
import { unlessAborted } from '../../http/taken.js';

/** How long a repeated request is taken for the same one, in milliseconds. */
const SAME_REQUEST_MS = 10 * 60_000;
/** How much is read of an answer that may have to be given again, and for how long. */
const MOST_BYTES = 65_536;
const MOST_MS = 10_000;
/** The largest stream that can be sent twice, in bytes, as `fetch` keeps it. */
const MOST_STREAM = 1024 * 1024;

/** The calls of each instance, through whichever of its wrapped fetches. */
const CALLS = new WeakMap();

/**
 * A `fetch` that pays if need be and gives the response alone.
 *
 * It behaves like `fetch` under clients that retry. A payment that was refused, by a person, a policy or the seller, resolves
 * with the seller's 402. Where the outcome of a payment is unknown, the same request within ten minutes goes on with the same
 * single-use token; a reusable token would be charged again, and one that was refused has ended, so the same request gets the
 * same outcome again. A call that was aborted ends before the next one begins. Equal requests that nobody aborted are several.
 *
 * `payments` gets what was paid for each response, and the error that a client of `fetch` does not see. The request was taken at
 * the call (`http/taken.js`).
 */
export function wrapFetch(client, fetch, payments) {
  if (!CALLS.has(client)) CALLS.set(client, new Calls());
  const calls = CALLS.get(client);
  return async (taken) => {
    if (taken.cause) throw taken.cause;
    const { signal } = taken.settings;
    return calls.run(signal, async () => {
      const request = await readied(client, taken);
      const earlier = await calls.take(request.key);
      const again = () => {
        const response = earlier.again();
        payments.set(response, earlier.payment);
        return response;
      };
      if (earlier && !earlier.canResume) return again();
      const ended = await attempt(client, ...request.given, { fetch, ...(earlier && { resume: earlier.resume }) });
      if (ended.wantsResponse) ended.response = await unlessAborted(signal, request.bare(fetch ?? globalThis.fetch)).catch(() => undefined);
      if (ended.response) payments.set(ended.response, ended.payment);
      const isUntouched = ended.spend?.outcome === 'none';
      if (earlier && isUntouched) {
        earlier.isOver = ended.error?.code === 'not_resumable';
        await calls.keep(request.key, earlier);
        if (earlier.isOver) return again();
      }
      await ended.keepAnswer();
      await calls.keep(request.key, ended);
      return ended.outcome();
    });
  };
}

async function attempt(client, input, init, options) {
  try {
    const { response, receipt, spend } = await client.fetch(input, init, options);
    return new Ended({ response, spend, receipt });
  } catch (error) {
    const { response, spend, code } = error;
    const isNetwork = code === 'network_error' && spend?.outcome === 'none' && spend.purchases.length === 0;
    if (isNetwork || code === 'aborted' || code === 'invalid_request') return new Ended({ spend, error, thrown: asFetchThrows(error) });
    // A no and a refusal are the seller's 402, for which a client of `fetch` rarely sends a request again. Where the answer to a token
    // got lost, the 402 at hand is the one before it, and says nothing.
    const isLost = spend?.outcome === 'unknown' && code !== 'payment_refused' && !NOES.has(code);
    if (response?.status === 402 && !isLost) return new Ended({ response, spend, receipt: spend?.receipt, error });
    return new Ended({ spend, error, thrown: error });
  }
}

/** The errors that say no to a payment, whoever says it. */
const NOES = new Set([
  'approve_failed', 'approve_reentered', 'approve_timeout', 'budget_exceeded', 'consent_denied', 'consent_required', 'delegation_required',
  'insufficient_credits', 'no_payable_offer', 'not_logged_in', 'purchase_not_allowed', 'purchase_pending',
]);

/** The errors that `fetch` itself rejects with: the signal's reason, or a TypeError. */
function asFetchThrows(error) {
  const { cause } = error;
  return error.code === 'aborted' || cause instanceof TypeError ? cause : new TypeError(error.message, { cause: error });
}

/** How a call ended. */
class Ended {
  constructor({ response, spend, receipt, error, thrown }) {
    Object.assign(this, { response, spend, error, thrown });
    this.payment = { receipt, spend, error };
    // A 2xx is what was paid for. All else may be repeated, a 401 and a 402 too: a seller can tell some clients to.
    this.isOpen = spend !== undefined && spend.outcome !== 'none' && !response?.ok;
  }

  /** Keeps the answer for a call that repeats this one. It is read at once: a client that gives up one of two unread bodies waits for the other. */
  async keepAnswer() {
    const { isOpen, response } = this;
    if (!isOpen || !response) return;
    const { status, statusText, headers } = response;
    // A `fetch` of the caller's may have read the body, or give what is no Response.
    const body = await (async () => bytesOf(response.clone().body, MOST_BYTES, MOST_MS))().catch(() => undefined);
    // A redirect that the runtime hides has no status that could be given again, and no body.
    this.again = () => (status < 200 ? response : new Response(body?.length ? body : null, { status, statusText, headers }));
  }

  get canResume() { return !this.isOver && this.spend.singleUse && this.spend.payment !== undefined; }
  /** True if it ended with a no before the seller was called, because the terms were known: the 402 can still be fetched, and
   * costs nothing. */
  get wantsResponse() { return !this.response && NOES.has(this.error?.code); }
  get resume() { return { spend: this.spend }; }

  outcome() {
    if (!this.response) throw this.thrown;
    return this.response;
  }

  /** The same once more, for a call that repeats this one. */
  again() {
    // The signal of the earlier call is not that of this one.
    throw this.error ?? this.thrown;
  }
}

/** The bytes of a stream; undefined if they are too many or come too slowly, or the stream breaks off. */
async function bytesOf(stream, most, milliseconds) {
  if (!stream) return new Uint8Array();
  const stop = new AbortController();
  const timer = milliseconds && setTimeout(() => stop.abort(), milliseconds);
  try {
    return await bytes(stream.getReader(), most, stop.signal);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** The calls of an instance: those under way, and those that ended without saying what became of their payment. */
class Calls {
  #running = new Set();
  /** The ended ones by request: equal requests that were made at once have a payment each. */
  #ended = new Map();

  /** Runs a call after those that were aborted before it: when they have ended it is known what became of their payments. */
  run(signal, work) {
    const aborted = [...this.#running].filter((call) => call.signal?.aborted).map(({ result }) => result);
    const call = { signal, result: Promise.allSettled(aborted).then(work) };
    this.#running.add(call);
    return call.result.finally(() => this.#running.delete(call));
  }

  /** An earlier call of the same request; one that can be resumed is handed out once. */
  async take(readKey) {
    for (const [key, calls] of this.#ended) {
      const left = calls.filter(({ until }) => until >= Date.now());
      if (left.length > 0) this.#ended.set(key, left);
      else this.#ended.delete(key);
    }
    if (this.#ended.size === 0) return undefined;
    const calls = this.#ended.get(await readKey()) ?? [];
    const place = calls.findIndex(({ ended }) => ended.canResume);
    return place < 0 ? calls.at(-1)?.ended : calls.splice(place, 1)[0].ended;
  }

  async keep(readKey, ended) {
    const key = ended.isOpen ? await readKey() : undefined;
    if (key === undefined) return;
    const calls = this.#ended.get(key) ?? [];
    this.#ended.set(key, calls);
    calls.push({ ended, until: Date.now() + SAME_REQUEST_MS });
  }
}

/**
 * A request: as `fetch` is given it, and without money. `key` reads what makes it the same as another: the account, method, URL
 * and the bytes of its body; nothing where they are too many to be sent twice.
 */
async function readied(client, { settings, url, base, reader, blob }) {
  const { href } = new URL(url, base);
  const place = href.split('#')[0];
  const read = await blob;
  // A stream is used up by the call: a copy is made before it, and read only if need be.
  const [mine, body = mine] = reader ? streamOf(reader).tee() : [read?.size ? read : settings.body ?? undefined];
  const content = once(() => (reader ? bytesOf(mine, MOST_STREAM) : bodyBytes(mine)));
  const key = once(async () => {
    const all = await content();
    return all && [client.getAccountAddress(), (settings.method ?? 'GET').toUpperCase(), place, await mark(all)].join(' ');
  });
  const bare = async (send) => send(new Request(href, { ...settings, body: reader ? await content() : mine }));
  return { given: [href, { ...settings, body }], bare, key: () => key().catch(() => undefined) };
}

const streamOf = (reader) => new ReadableStream({
  async pull(controller) {
    const { done, value } = await reader.read();
    if (done) controller.close();
    else controller.enqueue(value);
  },
  cancel: (reason) => reader.cancel(reason),
});

/** A function whose first result is its only one. */
function once(work) {
  let result;
  return () => (result ??= work());
}

/** A text that other bytes do not have. A page without TLS has no digests. */
async function mark(bytes) {
  const { subtle } = crypto;
  return subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)).join() : new TextDecoder('latin1').decode(bytes);
}

async function bodyBytes(body) {
  if (body instanceof FormData) {
    const parts = [];
    for (const [name, value] of body) {
      const text = typeof value === 'string' ? value : [value.name, value.type, ...new Uint8Array(await value.arrayBuffer())].join();
      parts.push([name, text]);
    }
    return new TextEncoder().encode(JSON.stringify(parts));
  }
  return new Response(body).arrayBuffer();
}
