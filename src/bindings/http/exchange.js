// Sends requests and reads answers, in JavaScript, where that is a fraction of what it weighs in wasm. It knows no payment word: the
// core decides what is sent, and when.
import { MAX_ANSWER_BYTES, textOf } from './answer.js';
import { parse, unlessAborted } from './taken.js';

export { unlessAborted } from './taken.js';

// Headers that a redirect leaves behind when it turns a request into a GET.
const OF_THE_BODY = ['content-type', 'content-length', 'content-encoding', 'content-language'];

// Headers that do not go to another origin.
const PERSONAL = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/** The time limit for a body that holds an offer or a reason, in milliseconds: its sender may never end it. */
const PATIENCE = 10_000;

/** A request that `keep` read, with the sends and questions that wait for it. */
export class Sender {
  constructor(kept) {
    this.kept = kept;
    this.place = place(kept.url);
  }

  get signal() { return this.kept.signal; }

  /** A header of the caller's own, for a request to `url`: a personal one is for the caller's own origin. */
  header(name, url) { return this.elsewhere(url) ? undefined : new Headers(this.kept.settings.headers).get(name) ?? undefined; }

  elsewhere(url) { return url && place(url)?.origin !== this.place.origin; }

  /** Calls back with false when the caller's signal fires, with true when a limit is over. */
  watch(callback) {
    this.callback = callback;
    this.heard = () => callback(false);
    this.signal?.addEventListener('abort', this.heard);
  }

  /** From now on it is that many milliseconds to the limit, or there is none. */
  limit(milliseconds) {
    clearTimeout(this.timer);
    this.timer = milliseconds && setTimeout(this.callback, milliseconds, true);
  }

  /** Nothing is watched any more: a send or a question that still waits is given up. */
  done() {
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.heard);
    this.waits?.abort(this.signal?.reason);
  }

  /** A signal for what begins now: it fires when that is given up. */
  open() {
    return (this.waits = new AbortController()).signal;
  }

  /** The result of a question or a send, unless the caller's signal comes first. */
  async asked(answer) {
    const answered = await unlessAborted(this.signal, answer);
    this.waits = undefined;
    return answered;
  }

  /** Sends it: to `url`, if it is not the caller's own, and with a token, if there is one. */
  async send(fetch, url, header, token, redirect, asGet) {
    const { settings: given, own } = this.kept;
    // Not copied where nothing changes.
    const headers = url || token || asGet ? new Headers(given.headers) : given.headers;
    // As the platform does on a redirect.
    if (this.elsewhere(url)) PERSONAL.forEach((name) => headers.delete(name));
    if (token) headers.set(header, token);
    const settings = { ...given, headers, redirect };
    if (asGet) {
      Object.assign(settings, { method: 'GET', body: undefined });
      OF_THE_BODY.forEach((name) => headers.delete(name));
    }
    let { signal } = given;
    // With a limit, no connection hangs on behind it; an older engine lets it.
    if (this.timer && AbortSignal.any) signal = AbortSignal.any([this.open(), ...(signal ? [signal] : [])]);
    const target = url ?? this.kept.url;
    const sent = fetch ? sendBy(fetch, target, { ...settings, signal: this.signal }, own, signal, given) : globalThis.fetch(target, { ...settings, signal });
    return new Answer(await this.asked(sent), redirect, target);
  }
}

/** A `fetch` of the caller's gets a `Request`. */
async function sendBy(fetch, url, settings, own, signal, { referrer, referrerPolicy }) {
  const request = new Request(url, settings);
  // The signal once more: a Request that nobody holds any longer passes no abort on to the body (Node). A second argument that
  // names anything sets the referrer anew.
  const again = signal && { signal, ...(referrer !== undefined && { referrer }), ...(referrerPolicy && { referrerPolicy }) };
  return fetch(request, signal || Object.keys(own).length ? { ...own, ...again } : undefined);
}

/** The head of an answer. */
class Answer {
  constructor(response, redirect, url) {
    // A `fetch` of the caller's may give anything.
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
    const text = await textOf(copy, limit, stop.signal).catch(() => {});
    clearTimeout(timer);
    return text;
  }

  /** Nobody will read it. */
  drop() {
    const { body } = this.response;
    if (body && !body.locked) body.cancel().catch(() => {});
  }
}

/** A URL taken apart by the platform's own parser, without its fragment. */
export function place(url, base) {
  const parsed = parse(url, base);
  if (!parsed) return undefined;
  parsed.hash = '';
  // The dot that may end a host's name makes no other host of it.
  const origin = parsed.origin.replace(/\.(?=(:\d+)?$)/, '');
  return { url: parsed.href, origin, path: parsed.pathname };
}

/** Sends a request to the platform and reads the answer; nothing where none came that can be used. */
export async function converse(fetch, url, init) {
  try {
    const { signal } = init;
    // A `fetch` of the caller's gets a Request. Not every one heeds its signal, and a copy that nobody holds passes none on to the
    // body (Node).
    const answer = await unlessAborted(signal, fetch ? fetch(new Request(url, init)) : globalThis.fetch(url, init));
    const header = (name) => answer.headers.get(name) ?? undefined;
    // A body that is no text leaves a status without one.
    const text = await textOf(answer, MAX_ANSWER_BYTES, signal).catch(() => {});
    signal?.throwIfAborted();
    return { status: answer.status, text, correlation: header('x-correlation-id'), after: header('retry-after') };
  } catch {
    return undefined;
  }
}

export const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

export const randomByte = () => crypto.getRandomValues(new Uint8Array(1))[0];
