// The request at its origin: a server, the seller's own handler, a bucket, or files.
import { PaywallError } from './error.js';
import { change } from './fields.js';
import { endToEnd } from './hop.js';
import { IN_WORKERD } from '../../http/answer.js';
import { carried, drop, event, within } from './runtime.js';

/** A response of another copy of the platform's class is one too. */
export const isResponse = (value) => typeof value?.status === 'number' && typeof value.headers?.get === 'function';

/** The request to the origin, as the gate says it. */
export function onwardOf(fields) {
  const [kind, key, method, url] = [fields.next(), fields.next(), fields.next(), fields.next()];
  return { kind, key, method, url, hasBody: fields.next() === '1', steps: fields.pairs() };
}

/** Asks the origin, whose answer is the way's then; an event where it gives none. */
export async function reach(way, onward) {
  const { limits } = way;
  const { kind } = onward;
  way.patient?.();
  const leash = onward.unleashed ? undefined : new AbortController();
  onward.init = leash ? { redirect: 'manual', signal: leash.signal } : { redirect: 'manual' };
  // Until an answer begins: later its stream is cancelled, and the meter has to know by whom.
  const leave = () => leash.abort(way.signal.reason);
  way.signal?.addEventListener('abort', leave);
  try {
    const asked = fetched(way, onward).then((answer) => answer.origin ?? carried(answer, kind !== 'url'));
    const origin = await within(limits.originTimeout, asked);
    if (origin === undefined) {
      asked.then(drop, () => {});
      leash?.abort();
      return event('originTimedOut');
    }
    if (origin.unusable) {
      console.error(`handler: its Response cannot be delivered: ${origin.unusable}`);
      return event('originUnusable');
    }
    way.origin = origin;
    return undefined;
  } catch (error) {
    console.error(way.deployed ? 'origin:' : 'handler:', error);
    return event('originFailed');
  } finally {
    way.signal?.removeEventListener('abort', leave);
  }
}

/** The origin's response, or `{ origin }` where it is made of an object. */
async function fetched(way, { kind, key, method, url, init, steps, hasBody, context }) {
  const { request } = way;
  // The very request at another address, where its body is forwarded as it is.
  if (IN_WORKERD && kind === 'url' && !way.peeked && (hasBody || !(request.headers.has('content-length') || request.headers.has('transfer-encoding')))) {
    const forwarded = new Request(url, request);
    change(forwarded.headers, steps);
    return fetch(forwarded, init);
  }
  const headers = change(new Headers(request.headers), steps);
  Object.assign(init, { method, headers });
  const body = hasBody && (way.peeked ? way.peeked.whole() : request.body);
  if (body) Object.assign(init, { body, duplex: 'half' });
  if (kind === 'url') {
    // Where `fetch` decodes encoded bodies and does not encode them again, the origin is asked for plain ones: a part of an
    // encoded body cannot be decoded.
    if (!IN_WORKERD) {
      endToEnd(headers);
      headers.set('accept-encoding', 'identity');
    }
    return fetch(url, init);
  }
  if (kind !== 'service') return { origin: await way.objects(kind, { key, url, init, gate: way.gate.constructor }) };
  // A handler may want to know what the runtime says of the connection; another server is not told.
  if (way.request.cf) init.cf = way.request.cf;
  const answer = await way.ask(new Request(url, init), { paymentContext: context?.() });
  if (!isResponse(answer)) throw new PaywallError('the handler gave no Response');
  return answer;
}
