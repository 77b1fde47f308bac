// `fetch` for other clients, which know nothing of payments and may send a request again by themselves.

/** How long a repeated request is taken for the same one, in milliseconds. */
const SAME_REQUEST_MS = 10 * 60_000;
/** How much is read of an answer that may have to be given again, and for how long. */
const MOST_BYTES = 65_536;
const MOST_MS = 10_000;

/**
 * A `fetch` that pays if need be and gives the response alone.
 *
 * It behaves like `fetch` under clients that retry. A payment that was refused, by a person, a policy or the seller, resolves
 * with the seller's 402. Where the outcome of a payment is unknown, the same request within ten minutes goes on with the same
 * single-use token; a reusable token would be charged again, and one that was refused has ended, so the same request gets the
 * same outcome again.
 *
 * `payments` gets what was paid for each response, and the error that a client of `fetch` does not see.
 */
export function wrapFetch(client, fetch, payments) {
  const unfinished = new Unfinished();
  return async (input, init) => {
    const key = bodyReader(input, init);
    const earlier = await unfinished.take(key);
    const again = () => {
      const response = earlier.again();
      payments.set(response, earlier.payment);
      return response;
    };
    if (earlier && !earlier.canResume) return again();
    const bare = copyOf(input);
    const ended = await attempt(client, input, init, { fetch, ...(earlier && { resume: earlier.resume }) });
    if (ended.wantsResponse) ended.response = await (fetch ?? globalThis.fetch)(new Request(bare, init)).catch(() => undefined);
    if (ended.response) payments.set(ended.response, ended.payment);
    if (earlier && ended.error?.code === 'not_resumable') return again();
    await ended.keepAnswer();
    await unfinished.keep(key, ended);
    return ended.outcome();
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

/** A call uses up the body of a Request: the copy is for another. */
const copyOf = (input) => (input instanceof Request ? input.clone() : input);

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
    if (!isOpen || !response || response.status < 200 || response.bodyUsed) return;
    const { status, statusText, headers } = response;
    const body = await readBriefly(response.clone());
    this.again = () => new Response(body?.length ? body : null, { status, statusText, headers });
  }

  get canResume() { return this.spend.singleUse && this.spend.payment !== undefined; }
  /** True if it ended before the seller was called, because the terms were known: the 402 can still be fetched, and
   * costs nothing. */
  get wantsResponse() { return !this.response && this.spend?.requests === 0 && NOES.has(this.error?.code); }
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

/** The bytes of an answer that is no goods; nothing where they are many or slow. */
async function readBriefly(response) {
  const reader = response.body?.getReader();
  const chunks = [];
  const timer = setTimeout(() => reader?.cancel().catch(() => {}), MOST_MS);
  try {
    for (let left = MOST_BYTES; reader;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      left -= value.length;
      if (left < 0) {
        reader.cancel().catch(() => {});
        return undefined;
      }
    }
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** The calls that ended without saying what became of their payment. */
class Unfinished {
  #calls = new Map();

  /** The earlier call of the same request; one that can be resumed is handed out once. */
  async take(readKey) {
    for (const [key, { until }] of this.#calls) if (until < Date.now()) this.#calls.delete(key);
    if (this.#calls.size === 0) return undefined;
    const key = await readKey();
    const ended = this.#calls.get(key)?.ended;
    if (ended?.canResume) this.#calls.delete(key);
    return ended;
  }

  async keep(readKey, ended) {
    const key = ended.isOpen ? await readKey() : undefined;
    if (key !== undefined) this.#calls.set(key, { ended, until: Date.now() + SAME_REQUEST_MS });
  }
}

/** Reads what makes a request the same as another: method, URL and the bytes of its body; nothing where a body is read once only. */
function bodyReader(input, init) {
  const from = input instanceof Request ? input : undefined;
  const body = init?.body ?? undefined;
  // The body of a Request is used up by the call: the copy is made before it, and read only if need be.
  const copy = body === undefined && from?.body ? from.clone() : undefined;
  const method = (init?.method ?? from?.method ?? 'GET').toUpperCase();
  const url = new URL(from ? from.url : input, globalThis.location?.href).href;
  let read;
  return () => (read ??= (async () => {
    const bytes = copy ? await copy.arrayBuffer() : await bodyBytes(body);
    if (bytes === undefined) return undefined;
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return [method, url, ...new Uint8Array(digest)].join(' ');
  })().catch(() => undefined));
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
  const isStream = typeof body?.getReader === 'function' || typeof body?.[Symbol.asyncIterator] === 'function';
  return isStream ? undefined : new Response(body).arrayBuffer();
}
