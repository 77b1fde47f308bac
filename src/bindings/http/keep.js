// Reads a request that was taken (`taken.js`), so that it can be sent several times.
import { bytes } from './answer.js';
import { parse, unlessAborted } from './taken.js';

/** The members that need no check by the platform's `Request`, and the methods that have one spelling. */
const PLAIN = new Set(['method', 'headers', 'body', 'signal']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Reads it; a stream of at most `limit` bytes is kept, and for a longer one the result is undefined. */
export async function keep(request, limit) {
  const { settings, own, reader, blob, cause } = request;
  if (cause) throw cause;
  if (reader) {
    settings.body = await unlessAborted(settings.signal, bytes(reader, limit));
    if (!settings.body) return undefined;
  }
  const read = await blob;
  if (read?.size) settings.body = read;
  return { settings, own, ...checked(request) };
}

/** URL, method, redirect mode and signal, as the platform understands them. */
function checked({ url, base, isValid, settings }) {
  const { method = 'GET', body, signal, redirect = 'follow' } = settings;
  if (isValid) return { url, method, redirect, signal };
  const isPlain = Object.keys(settings).every((name) => PLAIN.has(name)) && METHODS.has(method)
    && (body === undefined || body === null || method !== 'GET' && method !== 'HEAD') && (signal === undefined || signal instanceof AbortSignal);
  const parsed = isPlain && parse(url, base);
  if (parsed && !parsed.username && !parsed.password) return { url: parsed.href, method, redirect, signal };
  // It throws where the request cannot be made.
  const request = new Request(url, settings);
  return { url: request.url, method: request.method, redirect: request.redirect, signal: request.signal };
}
