// Takes what `fetch` takes, so that it can be sent several times. It is at hand before the WebAssembly is: a request is read when the
// caller makes it.

/** The members of a request. Other members of the caller's only the runtime knows (`next`, `proxy`, `tls`, `cf`). */
const INHERITED = [
  'method', 'headers', 'mode', 'credentials', 'cache', 'redirect', 'referrer', 'referrerPolicy', 'integrity', 'keepalive',
  'signal',
];
const OTHERS = ['body', 'duplex', 'window'];

/** The members that need no check by the platform's `Request`, and the methods that have one spelling. */
const PLAIN = new Set(['method', 'headers', 'body', 'signal']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Reads a request; a stream of at most `limit` bytes is kept, and for a longer one the result is undefined. */
export async function keep(input, init, limit) {
  const from = input instanceof Request ? input : undefined;
  const settings = {};
  for (const name of from ? INHERITED : []) {
    // A page's own navigation cannot be asked for again.
    if (from[name] !== undefined && from[name] !== 'navigate') settings[name] = from[name];
  }
  // As the platform reads it: by name, wherever a member comes from, and one that is undefined is absent. Each is read once.
  const own = {};
  for (const name of init ? new Set([...Object.keys(init), ...INHERITED, ...OTHERS]) : []) {
    const value = init[name];
    if (value === undefined) continue;
    settings[name] = value;
    if (!INHERITED.includes(name) && !OTHERS.includes(name)) own[name] = value;
  }
  if (init instanceof Request && settings.mode === 'navigate') delete settings.mode;
  // The caller's may change before they are sent.
  if (settings.headers) settings.headers = new Headers(settings.headers);
  let stream = settings.body;
  if ((stream === undefined || stream === null) && from) {
    if (from.bodyUsed) throw new TypeError('the body of the Request has been used');
    // Not every browser has Request.body.
    stream = 'body' in from && from.body !== undefined ? from.body : await from.clone().blob();
    if (stream?.size === 0) stream = undefined;
    if (stream) settings.body = stream;
  }
  if (stream && typeof stream[Symbol.asyncIterator] === 'function' || typeof stream?.getReader === 'function') {
    settings.body = await unlessAborted(settings.signal, bytes(stream, limit));
    if (!settings.body) return undefined;
  }
  return { settings, own, ...read(from ? from.url : input, settings, init === undefined || init === null ? from : undefined) };
}

/** URL, method, redirect mode and signal, as the platform understands them. */
function read(url, settings, valid) {
  const { method = 'GET', body, signal, redirect = 'follow' } = settings;
  if (valid) return { url: valid.url, method, redirect, signal };
  const isPlain = Object.keys(settings).every((name) => PLAIN.has(name)) && METHODS.has(method)
    && (body === undefined || body === null || method !== 'GET' && method !== 'HEAD') && (signal === undefined || signal instanceof AbortSignal);
  const parsed = isPlain && parse(url, globalThis.location?.href);
  if (parsed && !parsed.username && !parsed.password) return { url: parsed.href, method, redirect, signal };
  // It throws where the request cannot be made.
  const request = new Request(url, settings);
  return { url: request.url, method: request.method, redirect: request.redirect, signal: request.signal };
}

/** A promise, or the signal's reason if that comes first. */
export function unlessAborted(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).then(() => signal.removeEventListener('abort', abort));
  });
}

/** A URL, or undefined. */
export function parse(url, base) {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}

/** The bytes of a stream of at most `limit`; nothing, and the rest let go, where there are more, or a signal comes first. */
export async function bytes(stream, limit, signal) {
  const reader = (stream.getReader ? stream : ReadableStream.from(stream)).getReader();
  // Whatever the stream makes of it: the wait ends.
  const drop = () => { reader.cancel().catch(() => {}); };
  signal?.addEventListener('abort', drop);
  try {
    const whole = await gathered(reader, limit);
    if (whole && !signal?.aborted) return whole;
    drop();
    return undefined;
  } finally {
    // A signal of a timer that somebody listens to keeps a process alive (Deno).
    signal?.removeEventListener('abort', drop);
  }
}

async function gathered(reader, limit) {
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = typeof value === 'string' ? new TextEncoder().encode(value)
      : new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);
    size += part.length;
    if (size > limit) return undefined;
    parts.push(part);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** 128 random bits, in hexadecimal. */
export const randomHex = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
