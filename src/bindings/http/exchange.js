// Requests and answers of the platform, handled where they live: in JavaScript this is a fraction of what it would weigh
// in wasm. It knows no payment word; what to send, and whether, is the core's to say.

/** The members of a request. What a caller gives besides only the runtime knows (`next`, `proxy`, `tls`, `cf`). */
const INHERITED = [
  'method', 'headers', 'mode', 'credentials', 'cache', 'redirect', 'referrer', 'referrerPolicy', 'integrity', 'keepalive',
  'signal',
];
const OTHERS = ['body', 'duplex', 'window'];

// Headers that are dropped when a redirect turns a request into a GET.
const OF_THE_BODY = ['content-type', 'content-length', 'content-encoding', 'content-language'];

/** How long a body may take that holds no goods, an offer or a reason, in milliseconds: its sender may never end it. */
const PATIENCE = 10_000;

// Headers that are not sent to another origin.
const PERSONAL = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** Takes what `fetch` takes, so that it can be sent several times; a stream of at most `limit` bytes is kept. */
export async function keep(input, init, limit) {
  const from = input instanceof Request ? input : undefined;
  const settings = {};
  for (const name of from ? INHERITED : []) {
    // A page's own navigation cannot be asked for again.
    if (from[name] !== undefined && from[name] !== 'navigate') settings[name] = from[name];
  }
  // As the platform reads it: by name, wherever a member comes from, and one that is undefined is not there. Each is read once.
  const own = {};
  for (const name of new Set([...Object.keys(init ?? {}), ...INHERITED, ...OTHERS])) {
    const value = init?.[name];
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
  return new Kept(from ? from.url : input, settings, own);
}

class Kept {
  constructor(url, settings, own) {
    this.settings = settings;
    this.own = own;
    // As the platform understands it. It is never sent itself.
    this.request = new Request(url, settings);
    this.target = place(this.request.url);
  }

  get url() { return this.target.url; }
  get origin() { return this.target.origin; }
  get path() { return this.target.path; }
  get method() { return this.request.method; }
  get redirect() { return this.request.redirect; }
  get signal() { return this.request.signal; }

  /** Calls back with false when the caller's signal fires, with true when a limit is over. */
  watch(callback) {
    this.callback = callback;
    this.heard = () => callback(false);
    this.signal.addEventListener('abort', this.heard);
  }

  /** From now on it is that many milliseconds to the limit, or there is none. */
  limit(milliseconds) {
    clearTimeout(this.timer);
    this.timer = milliseconds && setTimeout(this.callback, milliseconds, true);
  }

  /** Nothing is to be watched any more: what still waits, a send or a question, is given up. */
  done() {
    clearTimeout(this.timer);
    this.signal.removeEventListener('abort', this.heard);
    this.waits?.abort(this.signal.reason);
  }

  /** A signal for what begins now: it fires when that is given up. */
  open() {
    return (this.waits = new AbortController()).signal;
  }

  /** Waits for a prompt or a request, unless the caller's signal aborts first. */
  async asked(answer) {
    const answered = await unlessAborted(this.signal, answer);
    this.waits = undefined;
    return answered;
  }

  /** Sends it: to `url`, if it is not the caller's own, and with a token, if there is one. */
  async send(fetch, url, header, token, redirect, asGet) {
    const headers = new Headers(this.settings.headers);
    // As the platform does on a redirect.
    if (url && place(url)?.origin !== this.origin) PERSONAL.forEach((name) => headers.delete(name));
    if (token) headers.set(header, token);
    const settings = { ...this.settings, headers, redirect, signal: this.signal };
    if (asGet) {
      Object.assign(settings, { method: 'GET', body: undefined });
      OF_THE_BODY.forEach((name) => headers.delete(name));
    }
    const request = new Request(url ?? this.request.url, settings);
    // The signal once more: a Request that nobody holds any longer passes no abort on to the body (Node).
    let { signal } = this.settings;
    // Whoever sets a limit wants no connection to hang on behind it; an older engine lets it.
    if (this.timer && AbortSignal.any) signal = AbortSignal.any([this.open(), ...(signal ? [signal] : [])]);
    // A second argument that names anything sets the referrer anew.
    const { referrer, referrerPolicy } = this.settings;
    const again = signal && { signal, ...(referrer !== undefined && { referrer }), ...(referrerPolicy && { referrerPolicy }) };
    const more = signal || Object.keys(this.own).length ? { ...this.own, ...again } : undefined;
    const sent = (async () => (fetch ?? globalThis.fetch)(request, more))();
    return new Answer(await this.asked(sent), redirect, request.url);
  }
}

/** The head of an answer. */
class Answer {
  constructor(response, redirect, url) {
    // A `fetch` of the caller's may give anything, and what is thrown later on would be lost in wasm.
    if (typeof response?.headers?.get !== 'function') throw new TypeError('fetch gave no Response');
    this.response = response;
    this.status = response.status;
    this.redirected = response.redirected === true;
    this.at = response.url ? place(response.url) : undefined;
    const manual = redirect === 'manual';
    this.hidden = manual && response.type === 'opaqueredirect';
    const to = manual && [301, 302, 303, 307, 308].includes(this.status) && response.headers.get('location');
    this.to = to ? place(to, response.url || url) : undefined;
  }

  header(name) { return this.response.headers.get(name) ?? undefined; }

  /** Text of the body, read from a copy; nothing where it does not come in time. */
  async text(limit) {
    const copy = this.response.clone();
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    const text = await textOf(copy, limit, stop.signal);
    clearTimeout(timer);
    return text;
  }

  /** Nobody will read it. */
  drop() {
    const { body } = this.response;
    if (body && !body.locked) body.cancel().catch(() => {});
  }
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

/** A URL taken apart by the platform's own parser, without its fragment. */
function place(url, base) {
  const parsed = parse(url, base);
  if (!parsed) return undefined;
  parsed.hash = '';
  // The dot that may end a host's name makes no other host of it.
  const origin = parsed.origin.replace(/\.(?=(:\d+)?$)/, '');
  return { url: parsed.href, origin, path: parsed.pathname };
}

function parse(url, base) {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}

/** Sends a copy of a request of ours and reads the answer; nothing where none came that can be used. */
export async function converse(fetch, request, limit) {
  try {
    const { signal } = request;
    // Not every `fetch` heeds the signal of a request, and a copy that nobody holds passes none on to the body (Node).
    const answer = await unlessAborted(signal, (fetch ?? globalThis.fetch)(request.clone()));
    const header = (name) => answer.headers.get(name) ?? undefined;
    // A body that is no text leaves a status without one.
    const text = await textOf(answer, limit, signal);
    signal?.throwIfAborted();
    return { status: answer.status, text, correlation: header('x-correlation-id'), after: header('retry-after') };
  } catch {
    return undefined;
  }
}

/** The text of a body of at most `limit` bytes; nothing where it is longer, broken or not UTF-8, or a signal comes first. */
export async function textOf({ body }, limit, signal) {
  try {
    const whole = body ? await bytes(body, limit, signal) : new Uint8Array();
    return whole && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole);
  } catch {
    return undefined;
  }
}

/** The bytes of a stream of at most `limit`; nothing, and the rest let go, where there are more, or a signal comes first. */
async function bytes(stream, limit, signal) {
  const reader = (stream.getReader ? stream : ReadableStream.from(stream)).getReader();
  // Whatever the stream makes of it: what is waited for ends.
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

export const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

const random = (count) => crypto.getRandomValues(new Uint8Array(count));

export const randomByte = () => random(1)[0];

export const randomHex = () => Array.from(random(16), (byte) => byte.toString(16).padStart(2, '0')).join('');
