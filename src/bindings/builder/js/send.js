// Sends the calls. The core decides what a call sends and what its response means.
import { hints } from '../../subscriber/js/errors.json';
import { converse, pause, randomByte } from '../../http/exchange.js';
import { hex } from '../../http/hex.js';
import { know, lazily, paymentsError, unlessAborted } from './core.js';

know({ hints });


/** The core's functions throw the facts of an error. */
function withPaymentsError(work) {
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

/** The WebAssembly of sellers, loaded by the first call that needs it, and anew where that failed. */
let load;
export const wasm = async (source) => (load ??= (await lazily(lazily.sellerWasm)).create((message, facts) => paymentsError(message, undefined, facts)))(source);

const TIMEOUT_MS = 30_000;

/** The seller of a session, for the key that it has now. A key that is forgotten is forgotten here too. */
function sellerOf(session, core) {
  const { key, given: { environment, backend, version } } = session;
  if (!session.seller || session.seller.key !== key) {
    session.onForget?.();
    session.seller = { key, own: withPaymentsError(() => new core.Seller(JSON.stringify({ nvmApiKey: key?.text, environment, backend, version }))) };
    session.onForget = () => {
      session.seller?.own.free();
      session.seller = undefined;
    };
  }
  return session.seller.own;
}

/** Makes a call of a part: `given` are its arguments by name. `organization` is in whose name, if this call says so. */
export async function ask({ session }, name, given = {}, organization = session.organization) {
  // Before anything is loaded: the caller may change what it gave.
  const named = text(given);
  const core = await wasm();
  const random = crypto.getRandomValues(new Uint8Array(16));
  const call = JSON.parse(withPaymentsError(() => sellerOf(session, core).prepare(name, named, organization, random, Date.now())));
  return send(core, session.given, name, call, random);
}

async function send(core, { fetch, timeoutMs = TIMEOUT_MS }, name, { url, method, headers, body, repeat }, random) {
  const correlation = hex(random);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  const { signal } = stop;
  const init = { method, headers: { ...headers, 'x-correlation-id': correlation }, body: body ?? undefined, redirect: 'manual', signal };
  let answer;
  try {
    for (let tries = 1; ; tries += 1) {
      // Not every runtime lets the signal of a request end a body that is under way.
      answer = await unlessAborted(signal, converse(fetch, url, init));
      const wait = repeat ? core.pauseBefore(name, answer?.status, tries, answer?.after, randomByte()) : undefined;
      if (wait === undefined) break;
      await unlessAborted(signal, pause(wait));
    }
  } catch {
    answer = undefined;
  } finally {
    clearTimeout(timer);
  }
  // A platform may print the key that it refuses.
  const key = /^Bearer (.+)$/.exec(headers.authorization)?.[1];
  if (key && answer?.status >= 400) answer.text = answer.text?.replaceAll(key, '…');
  // A no is one whether its words can be read or not.
  const words = answer?.text ?? (answer?.status >= 400 ? '' : undefined);
  if (words === undefined) throw failure(core.noAnswer(name, !signal.aborted, repeat));
  const read = withPaymentsError(() => core.readAnswer(name, answer.status, words, answer.correlation ?? correlation, repeat));
  if (read !== undefined) return JSON.parse(read);
  if (words === '') return undefined;
  try {
    return JSON.parse(words);
  } catch (cause) {
    const facts = { code: 'garbled_answer', retryable: false, status: answer.status, cause };
    throw paymentsError('Nevermined\'s answer could not be understood: not JSON', undefined, facts);
  }
}
