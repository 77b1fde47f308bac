// What goes over the wire: calls of the platform, and small things that every answer needs.

/** The most of an answer of the platform's that is read, in bytes. */
const MOST_BYTES = 256 * 1024;

export const seed = () => crypto.getRandomValues(new Uint8Array(16));

/** Sends a call to the platform and reads its answer, all of it within the timeout: an event. */
export async function call({ url, method, headers, body }, patience, correlation) {
  const signal = AbortSignal.timeout(patience);
  try {
    const sent = correlation ? [...headers, ['x-correlation-id', correlation]] : headers;
    const response = await fetch(url, { method, headers: sent, body, redirect: 'manual', signal });
    const bytes = await read(response, signal);
    const text = bytes && decode(bytes);
    if (text === undefined) return { what: 'unreadable' };
    return { what: 'answered', status: response.status, body: text, correlationId: response.headers.get('x-correlation-id') ?? undefined };
  } catch {
    return { what: signal.aborted ? 'timedOut' : 'unreachable' };
  }
}

/** A body of at most MOST_BYTES, nothing for a larger one. */
async function read({ body }, signal) {
  if (!body) return new Uint8Array();
  const chunks = [];
  let size = 0;
  const reader = body.getReader();
  // Not every runtime lets the signal of a fetch end its body.
  signal.addEventListener('abort', () => reader.cancel().catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) throw signal.reason;
    if (done) break;
    size += value.byteLength;
    if (size > MOST_BYTES) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function decode(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What comes of some work, or nothing if it does not come in time. */
export function within(ms, work) {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, ms);
    work.then((value) => { clearTimeout(timer); done(value ?? null); }, (error) => { clearTimeout(timer); fail(error); });
  });
}

/** Drops a response whose body nobody will read. */
export function cancel(response) {
  if (response?.webSocket) {
    // Try again later.
    response.webSocket.accept();
    response.webSocket.close(1013);
  }
  if (response?.body && !response.body.locked) response.body.cancel().catch(() => {});
}

/** The same response with these headers in the place of its own of those names. */
export function withHeaders(response, headers) {
  const all = new Headers(response.headers);
  for (const [name] of headers) all.delete(name);
  for (const [name, value] of headers) all.append(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers: all });
}

/** Asks again for what a plan said too long ago, while nobody waits. */
export function learn(gate, behind) {
  const query = gate.stalePlan(Date.now());
  if (query) behind(call(query, gate.timeout).then((event) => gate.learned(event, Date.now())));
}

/** An answer of an error, as the gate's own are. */
export function complain(status, code, message, more = {}) {
  const body = JSON.stringify({ error: 'Internal Server Error', message, code, ...more });
  return { body, headers: [['content-type', 'application/json'], ['cache-control', 'no-store']] };
}
