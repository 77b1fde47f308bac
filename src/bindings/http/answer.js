// Reads answers, within a time and a number of bytes; all of JavaScript's calls of the platform go through it. It imports nothing: the library for
// Workers in Rust links this file by itself.

/** The most of an answer of the platform's that is read, in bytes. */
export const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * Sends a call within a time in milliseconds and reads its answer, `[status, correlation, text]`, or gives the reason why there is none:
 * `timedOut`, `unreachable`, or `unreadable` for a text that is too long or not UTF-8.
 */
export async function exchange(url, method, headers, body, patience) {
  const signal = AbortSignal.timeout(patience);
  try {
    const answer = await fetch(url, { method, headers, body, redirect: 'manual', signal });
    const text = decoded(await (isShort(answer) ? answer.arrayBuffer() : bytes(answer.body.getReader(), MAX_ANSWER_BYTES, signal)));
    if (text !== undefined) return [answer.status, answer.headers.get('x-correlation-id') ?? '', text];
    return signal.aborted ? 'timedOut' : 'unreadable';
  } catch {
    return signal.aborted ? 'timedOut' : 'unreachable';
  }
}

/** The runtime whose `fetch` hands on what is encoded as it came. With an old compatibility date it has no `navigator`. */
export const IN_WORKERD = /* @__PURE__ */ (() => typeof globalThis.WebSocketPair === 'function')();

/** Runtimes whose `fetch` ends a body with its signal. */
const SIGNAL_ENDS_BODY = /* @__PURE__ */ (({ process, Bun, Deno }) => IN_WORKERD || (process?.release?.name === 'node' && !Bun && !Deno))(globalThis);

/** True where there is no body, or its length is known and within the limit and its signal ends it. */
function isShort(answer) {
  const length = answer.headers.get('content-length');
  // To look at a body makes a stream of it.
  return (SIGNAL_ENDS_BODY && length !== null && length <= MAX_ANSWER_BYTES && !answer.headers.has('content-encoding')) || !answer.body;
}

/** The text of a body of at most `limit` bytes; nothing where it is longer or not UTF-8, or a signal comes first. Fails where it breaks off. */
export async function textOf({ body }, limit, signal) {
  return decoded(body ? await bytes(readerOf(body), limit, signal) : new Uint8Array());
}

let decoder;

function decoded(whole) {
  try {
    return whole && (decoder ??= new TextDecoder('utf-8', { fatal: true })).decode(whole);
  } catch {
    return undefined;
  }
}

export const readerOf = (stream) => (stream.getReader ? stream : ReadableStream.from(stream)).getReader();

/** The bytes of a stream of at most `limit`; nothing, and the rest let go, where there are more, or a signal comes first. */
export async function bytes(reader, limit, signal) {
  // Whatever the stream makes of it: the wait ends.
  const drop = () => { reader.cancel().catch(() => {}); };
  signal?.addEventListener('abort', drop);
  try {
    const parts = [];
    for (let size = 0; size <= limit;) {
      const { done, value } = await reader.read();
      if (signal?.aborted) break;
      if (done) {
        const whole = new Uint8Array(size);
        parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
        return whole;
      }
      const part = typeof value === 'string' ? new TextEncoder().encode(value)
        : new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);
      size += part.length;
      parts.push(part);
    }
    drop();
    return undefined;
  } finally {
    // A signal of a timer that somebody listens to keeps a process alive (Deno).
    signal?.removeEventListener('abort', drop);
  }
}
