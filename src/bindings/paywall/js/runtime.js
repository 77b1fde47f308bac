// Calls of the platform over the network, and small functions that every answer needs.
import { IN_WORKERD, exchange } from '../../http/answer.js';
import { builtin } from '../../subscriber/js/builtin.js';
import { Fields } from './fields.js';

/** Each cookie by itself. Workers with a compatibility date before 2023-03-01 have `getAll`. */
export const cookiesOf = (headers) => headers.getSetCookie?.() ?? headers.getAll?.('set-cookie') ?? [];

/** The headers of a response. With an old compatibility date the entries have all cookies in one line. */
function headersOf({ headers }) {
  if (headers.getSetCookie || !headers.has('set-cookie')) return headers;
  return [...[...headers].filter(([name]) => name !== 'set-cookie'), ...cookiesOf(headers).map((cookie) => ['set-cookie', cookie])];
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Random bytes that were fetched together; each is used once. */
const random = new Uint8Array(1024);
let used = random.length;

/** 16 random bytes in hexadecimal. */
export function seed() {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  let text = '';
  for (const end = used + 16; used < end; used++) text += HEX[random[used]];
  return text;
}

/** An event of this moment, for the gate. */
export const event = (name, rest = '') => `${name}\n${Date.now()}\n${rest}`;

/** Sends a call to the platform and reads its answer, all of it within the timeout: an event. */
export async function call(fields, patience) {
  const [url, method, headers] = [fields.next(), fields.next(), fields.pairs()];
  const answer = await exchange(url, method, headers, fields.rest() || undefined, patience);
  return typeof answer === 'string' ? event(answer) : event('answered', answer.join('\n'));
}

/** Resolves with the result of some work, or with nothing if it does not come in time. */
export function within(ms, work) {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, ms);
    work.then((value) => { clearTimeout(timer); done(value ?? null); }, (error) => { clearTimeout(timer); fail(error); });
  });
}

/**
 * A body that may be looked at before it is sent on: `readable` reads it as far as somebody wants, but no further than `most`
 * bytes. `whole()` ends that, and gives all of the body.
 */
export function peek(body, most) {
  let [mine, whole] = [undefined, body];
  let read = 0;
  let handed = false;
  return {
    readable: new ReadableStream({
      async pull(controller) {
        if (!mine && !handed) {
          const [one, other] = body.tee();
          [mine, whole] = [one.getReader(), other];
        }
        const { done, value } = handed ? {} : await mine.read();
        if (handed) throw new Error('the handler has the body');
        if (done) return controller.close();
        read += value.byteLength;
        if (read > most) throw new Error(`the body has more than ${most} bytes (maxBodyBytes)`);
        controller.enqueue(value);
      },
    }, { highWaterMark: 0 }),
    isOver: () => read > most,
    whole() {
      handed = true;
      mine?.cancel().catch(() => {});
      return whole;
    },
  };
}

/** Codings that each runtime's `fetch` takes off; of others, as of deflate in Deno, the bytes say it. */
const TAKEN_OFF = /^(gzip|br)$/;

/**
 * A response as it is handed on: `{ response, headers, body }`, or `{ unusable }` with the problem. A body that `fetch` has
 * decoded is not encoded any more, and where the runtime does not encode it again the headers must not say so: of a response
 * that `fetch` gave, and of one that was made of its body and headers. Without a `body` it is the response's. `foreign` is set
 * for a response that a handler gave: `lock` keeps the handler's code from its body until `bodyOf` takes it.
 */
export async function carried(response, foreign) {
  const headers = headersOf(response);
  if (IN_WORKERD && !foreign) return { response, headers };
  if (response.bodyUsed || response.body?.locked) return { unusable: 'its body was read already' };
  // Another class of responses may have other streams.
  let body = response.body && (typeof response.body.getReader === 'function' ? response.body : new Response(response.body).body);
  const codings = (response.headers.get('content-encoding') ?? '').toLowerCase().split(',').map((one) => one.trim()).filter(Boolean);
  if (IN_WORKERD || !body || codings.length === 0) return { response, headers, body, lock: foreign && body?.getReader() };
  let plain = Boolean(response.url) && TAKEN_OFF.test(codings.join());
  if (!plain) {
    const reader = body.getReader();
    const first = await reader.read();
    body = restOf(reader, first);
    plain = first.done || !isCoded(first.value, codings.at(-1));
  }
  return { response, body, lock: response.bodyUsed ? undefined : body.getReader(), headers: plain ? [...headers].filter(([name]) => !/^content-(encoding|length)$/.test(name)) : headers };
}

/** The rest of a body, with the first piece if that was read. */
function restOf(reader, first) {
  return new ReadableStream({
    async pull(controller) {
      const next = first ?? await reader.read();
      first = undefined;
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** The functions that decode a coding whose data has no mark of its own at the beginning. */
const TRIED = { br: ['brotliDecompressSync'], deflate: ['inflateSync', 'inflateRawSync'] };

/**
 * True if bytes begin like data in a coding. If the coding has no mark, decoding them is tried where node:zlib is there; elsewhere
 * bytes that are no text count as coded.
 */
function isCoded(bytes, coding) {
  const [one, two] = bytes;
  if (/gzip$/.test(coding)) return one === 0x1f && two === 0x8b;
  if (coding === 'zstd') return one === 0x28 && two === 0xb5;
  const zlib = TRIED[coding] && builtin('node:zlib');
  if (zlib) {
    const { BROTLI_OPERATION_FLUSH, Z_SYNC_FLUSH } = zlib.constants;
    return TRIED[coding].some((take) => {
      try {
        return zlib[take](bytes, { finishFlush: coding === 'br' ? BROTLI_OPERATION_FLUSH : Z_SYNC_FLUSH });
      } catch {
        return false;
      }
    });
  }
  try {
    return /[\0-\x08\x0b\x0e-\x1f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true }));
  } catch {
    return true;
  }
}

/** The body of an origin's answer, to be delivered or dropped now. */
export function bodyOf(origin) {
  const { response, body = response.body, lock } = origin;
  if (!lock) return body;
  origin.lock = undefined;
  lock.releaseLock();
  // In Bun a body that has had a reader counts as used.
  return response.bodyUsed ? restOf(body.getReader()) : body;
}

/** Drops an origin's answer that nobody will read. */
export function drop(origin) {
  if (origin.unusable) return;
  const { webSocket } = origin.response;
  if (webSocket) {
    // Try again later.
    webSocket.accept();
    webSocket.close(1013);
  }
  const body = bodyOf(origin);
  if (body && !body.locked) body.cancel().catch(() => {});
}

/** The same response with these headers in the place of its own of those names. */
export function withHeaders(response, headers) {
  const all = new Headers(response.headers);
  for (const [name] of headers) all.delete(name);
  for (const [name, value] of headers) all.append(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers: all });
}

/** Asks again for the terms of a plan that are old, while nobody waits. */
export function learn(gate, limits, behind) {
  const query = gate.stalePlan(Date.now());
  if (!query) return;
  const fields = new Fields(query);
  // The kind of the action and the end of the path.
  fields.next();
  fields.next();
  behind(call(fields, limits.timeout).then((event) => gate.learned(event, Date.now())));
}

/** A receipt that says that nothing was settled. */
export const NOT_SETTLED = btoa(JSON.stringify({ success: false, errorReason: 'not_settled', transaction: '', network: '' }));

/** An answer of an error, as the gate's own are: nothing was charged. */
export function complain(status, code, message, more = {}) {
  const body = JSON.stringify({ error: 'Internal Server Error', message: `${message} Nothing was charged.`, code, ...more });
  return { body, headers: [['content-type', 'application/json'], ['cache-control', 'no-store'], ['payment-response', NOT_SETTLED]] };
}
