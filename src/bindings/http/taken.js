// Takes what `fetch` takes, before the call returns: the caller's may change later. It is at hand before the engine is, which reads what was taken (`keep.js`).
import { readerOf } from './answer.js';

/** The members of a request, the texts among them first. Other members of the caller's only the runtime knows (`next`, `proxy`, `tls`, `cf`). */
const TEXTS = ['method', 'mode', 'credentials', 'cache', 'redirect', 'referrer', 'referrerPolicy', 'integrity'];
const INHERITED = [...TEXTS, 'headers', 'keepalive', 'signal'];
const KNOWN = [...INHERITED, 'body', 'duplex', 'window'];

/**
 * A request as it is at this moment: its members, the caller's other members, its address, and a reader of its body where that is a stream. One that
 * cannot be made has the `cause`.
 */
export function taken(input, init) {
  const request = { settings: {}, own: {}, base: globalThis.location?.href };
  try {
    take(request, input, init);
  } catch (cause) {
    request.cause = cause;
  }
  return request;
}

function take(request, input, init) {
  const { settings, own } = request;
  const from = input instanceof Request ? input : undefined;
  for (const name of from ? INHERITED : []) {
    // A page's own navigation cannot be asked for again.
    if (from[name] !== undefined && from[name] !== 'navigate') settings[name] = from[name];
  }
  // As the platform reads it: by name, wherever a member comes from, and one that is undefined is absent. Each is read once.
  for (const name of init ? new Set([...Object.keys(init), ...KNOWN]) : []) {
    const value = init[name];
    if (value === undefined) continue;
    // An object may have another text each time that it is asked.
    settings[name] = TEXTS.includes(name) ? `${value}` : value;
    if (!KNOWN.includes(name)) own[name] = value;
  }
  if (init instanceof Request && settings.mode === 'navigate') delete settings.mode;
  if (settings.headers) settings.headers = new Headers(settings.headers);
  if (from && (settings.body ?? null) === null) {
    if (from.bodyUsed) throw new TypeError('the body was used');
    if ('body' in from && from.body !== undefined) {
      if (from.body) settings.body = from.body;
    } else {
      // Not every browser has Request.body.
      request.blob = from.clone().blob();
      request.blob.catch(() => {});
    }
  }
  const body = settings.body = copied(settings.body);
  if (body && isStream(body)) request.reader = readerOf(body);
  request.url = from ? from.url : `${input}`;
  // One that is no other's copy needs no check.
  request.isValid = from && (init ?? null) === null;
}

/**
 * A body that the caller cannot change any more: it is sent again, as it was priced. A Blob never changes. An object with a text of its own is that text.
 */
function copied(body) {
  const { buffer = body, byteOffset: from = 0, byteLength } = body ?? {};
  if (buffer instanceof ArrayBuffer) return buffer.slice(from, from + byteLength);
  const Pairs = [FormData, URLSearchParams].find((one) => body instanceof one);
  if (!Pairs) {
    if (!body || typeof body !== 'object' || byteLength >= 0 || isStream(body)) return body;
    const text = `${body}`;
    return text === {}.toString.call(body) ? body : text;
  }
  const copy = new Pairs();
  body.forEach((value, name) => copy.append(name, value));
  return copy;
}

const isStream = (body) => body[Symbol.asyncIterator] || body.getReader;

/** A promise, or the signal's reason if that comes first. */
export function unlessAborted(signal, promise) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
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
