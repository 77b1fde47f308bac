// Sends the calls. The core decides what a call sends and what its response means.
import { paymentsError } from '../../subscriber/js/error.js';
import { converse, pause, randomByte, unlessAborted } from '../../http/exchange.js';

/** The most of an answer that is read, in bytes. */
const MOST = 256 * 1024;

/** The core's functions throw the facts of an error. */
export function told(work) {
  try {
    return work();
  } catch (facts) {
    throw typeof facts === 'string' ? failure(facts) : facts;
  }
}

function failure(text) {
  const { message, kind, ...facts } = JSON.parse(text);
  return paymentsError(message, kind, facts);
}

/** The arguments of a call as JSON: a `bigint` is digits. A number that JSON has no word for is none that was meant. */
function text(given) {
  return JSON.stringify(given, (name, value) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw paymentsError(`${name} must be a finite number`, undefined, { code: 'validation', retryable: false });
    }
    return value;
  });
}

/** Makes a call; `{ core, seller, organization, fetch, timeoutMs }` is its house. */
export async function send({ core, seller, organization, fetch, timeoutMs }, name, given) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const { url, method, headers, body, repeat } =
    JSON.parse(told(() => seller.prepare(name, text(given), organization, random, Date.now())));
  const correlation = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  const { signal } = stop;
  const init = { method, headers: { ...headers, 'x-correlation-id': correlation }, body: body ?? undefined, redirect: 'manual', signal };
  let answer;
  try {
    for (let tries = 1; ; tries += 1) {
      // Not every runtime lets the signal of a request end a body that is under way.
      answer = await unlessAborted(signal, converse(fetch, url, init, MOST));
      const wait = repeat ? core.pauseBefore(name, answer?.status, tries, answer?.after, randomByte()) : undefined;
      if (wait === undefined) break;
      await unlessAborted(signal, pause(wait));
    }
  } catch {
    answer = undefined;
  } finally {
    clearTimeout(timer);
  }
  // A no is one whether its words can be read or not.
  const words = answer?.text ?? (answer?.status >= 400 ? '' : undefined);
  if (words === undefined) throw failure(core.noAnswer(name, !signal.aborted, repeat));
  const read = told(() => core.readAnswer(name, answer.status, words, answer.correlation ?? correlation, repeat));
  if (read !== undefined) return JSON.parse(read);
  if (words === '') return undefined;
  try {
    return JSON.parse(words);
  } catch (cause) {
    const facts = { code: 'garbled_answer', retryable: false, status: answer.status, cause };
    throw paymentsError('Nevermined\'s answer could not be understood: not JSON', undefined, facts);
  }
}
