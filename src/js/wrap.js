// `fetch` for other clients, which know nothing of payments and may send a request again by themselves.

/** How long a repeated request is taken for the same one, in milliseconds. */
const SAME_REQUEST_MS = 10 * 60_000;

/**
 * A `fetch` that pays if need be and gives the response alone.
 *
 * It behaves like `fetch` under clients that retry. A payment that was refused, by a person, a policy or the seller, resolves
 * with the seller's 402. Where the outcome of a payment is unknown, the same request within ten minutes goes on with the same
 * single-use token; a reusable token would be charged again, so the same request gets the same outcome again.
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
    const ended = await attempt(client, input, init, { fetch, ...(earlier && { resume: earlier.resume }) });
    if (ended.response) payments.set(ended.response, ended.payment);
    if (earlier && ended.error?.code === 'not_resumable') return again();
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
    // A no and a refusal are the seller's 402: no client of `fetch` sends a request again for it.
    if (response?.status === 402) return new Ended({ response, spend, receipt: spend?.receipt, error });
    const reason = code === 'aborted' || code === 'invalid_request' || (code === 'network_error' && spend?.outcome === 'none');
    return new Ended({ spend, error, thrown: reason ? asFetchThrows(error) : error });
  }
}

/** What `fetch` itself rejects with: the signal's reason, or a TypeError. */
function asFetchThrows(error) {
  const { cause } = error;
  return error.code === 'aborted' || cause instanceof TypeError ? cause : new TypeError(error.message, { cause: error });
}

/** How a call ended. */
class Ended {
  constructor({ response, spend, receipt, error, thrown }) {
    Object.assign(this, { response, spend, error, thrown });
    this.payment = { receipt, spend, error };
    // A 2xx is what was paid for; a token that was answered 401 or 402 has ended, and clients do not retry these.
    const isFinal = response && (response.ok || response.status === 401 || response.status === 402);
    this.isOpen = spend !== undefined && spend.outcome !== 'none' && !isFinal;
    if (this.isOpen && response) this.spare = response.clone();
  }

  get canResume() { return this.spend.singleUse && this.spend.payment !== undefined; }
  get resume() { return { spend: this.spend }; }

  outcome() {
    if (!this.response) throw this.thrown;
    return this.response;
  }

  /** The same once more, for a call that repeats this one. */
  again() {
    if (!this.spare) throw this.thrown;
    return this.spare.clone();
  }
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
