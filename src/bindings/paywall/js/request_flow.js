// One request, from its first step to its answer, and what comes behind it: does what the gate says and reports back.
import { meter } from '../../../worker/meter.js';
import { PaywallError } from './error.js';
import { IN_WORKERD, call, cancel, carried, peek, seed, within, withHeaders } from './runtime.js';

/** The answers that the gate gave by itself: no handler has to do with what stands in them. */
export const ownAnswers = new WeakSet();

/** Statuses whose answers have no body. */
const BODILESS = new Set([101, 204, 205, 304]);

export async function visit(around) {
  const { gate, request, address, routed = false } = around;
  const gone = Boolean(request.bodyUsed || request.body?.locked);
  const head = { method: request.method, url: request.url, headers: [...request.headers].flat(), address, routed, gone, seed: seed(), now: Date.now() };
  const way = { ...around, visit: gate.open(head), origin: undefined, verification: undefined };
  let kept = false;
  try {
    let action = await believed(way, way.visit.begin());
    for (;;) {
      if (action.do === 'respond') return await respond(way, action);
      if (action.do === 'deliver') {
        if (action.journal) console.error(action.journal);
        report(way);
        if (!action.meter) {
          tell(way);
          return deliver(way, action.headers, way.origin.body);
        }
        const { body } = way.origin;
        const metered = action.meter.toTheEnd && body
          ? meter(body, action.meter.unit, action.meter.member, request.signal) : undefined;
        const answer = deliver(way, action.headers, metered ? metered.readable : body);
        kept = true;
        way.behind(afterwards(way, metered, action.meter.renew).finally(() => way.visit.free()));
        return answer;
      }
      action = await next(way, action);
    }
  } finally {
    if (!kept) way.visit.free();
  }
}

/** Goes on with a visit whose answer is on its way. */
async function afterwards(way, metered, renew) {
  // While it goes out, the state is told that it does.
  const timer = metered && renew && setInterval(() => way.store.ask(renew).catch((error) => console.error('state:', error?.message ?? error)), renew.everyMs);
  const ending = metered ? await metered.ended : { how: 'whole', bytes: 0, events: 0 };
  clearInterval(timer);
  let action = way.visit.on({ what: 'ended', ...ending }, Date.now());
  while (!['finish', 'respond', 'deliver'].includes(action.do)) action = await next(way, action);
  if (action.journal) console.error(action.journal);
  metered?.finish(action.tail);
  await way.store?.tell(way.visit.notes());
}

/** Does what an action says, tells whoever wants to hear of it, and says what came of it. */
async function next(way, action) {
  const { visit, hooks, request } = way;
  const verifies = action.do === 'call' && action.what === 'verify';
  let event;
  if (verifies && !way.asked) event = await hook(way, hooks.onBeforeVerify, () => [canonical(way), visit.payment.paymentRequired]);
  way.asked ||= verifies;
  event ??= await perform(way, action);
  if (verifies && event.what === 'answered') way.verification = read(event.body);
  if (request.signal?.aborted && visit.left()) event = { what: 'clientGone' };
  let then = visit.on(event, Date.now());

  const paid = visit.payment;
  if (verifies && paid?.verified) {
    const refused = await hook(way, hooks.onAfterVerify, () => [canonical(way), way.verification]);
    if (refused) then = visit.on(refused, Date.now());
  }
  then = await believed(way, then);
  const settled = visit.settled();
  if (settled && hooks.onAfterSettle) {
    try {
      await hooks.onAfterSettle(canonical(way), number(settled.credits), settled.receipt);
    } catch (error) {
      // It is paid for by now.
      console.error('onAfterSettle:', error?.message ?? error);
    }
  }
  return then;
}

/** The hooks of a payment that is not verified because it was a moment ago: they are told of every one. */
async function believed(way, action) {
  const { visit, hooks } = way;
  const paid = visit.payment;
  if (way.asked || !paid?.verified) return action;
  way.asked = true;
  way.verification = { isValid: true, payer: paid.payer };
  const refused = (await hook(way, hooks.onBeforeVerify, () => [canonical(way), paid.paymentRequired]))
    ?? (await hook(way, hooks.onAfterVerify, () => [canonical(way), way.verification]));
  return refused ? visit.on(refused, Date.now()) : action;
}

/** Calls a hook; one that throws refuses the payment. */
async function hook({ visit }, hook, given) {
  if (!hook || !visit.payment) return undefined;
  try {
    await hook(...given());
    return undefined;
  } catch (error) {
    return { what: 'denied', words: String(error?.message ?? error) };
  }
}

async function perform(way, action) {
  switch (action.do) {
    case 'call':
      return call(action, way.gate.timeout, way.visit.correlation);
    case 'state':
      try {
        return { what: 'state', reply: await way.store.ask(action) };
      } catch (error) {
        console.error('state:', error?.message ?? error);
        return { what: 'stateFailed' };
      }
    case 'wait':
      await new Promise((done) => setTimeout(done, action.ms));
      return { what: 'waited' };
    case 'price':
      return price(way, action);
    default:
      return forward(way, action);
  }
}

/**
 * The request as the seller's own code sees it: the one that is forwarded, without what a client cannot be believed. Its body
 * can be read to a limit until the handler is asked, which gets the whole of it all the same.
 */
function canonical(way) {
  const { gate, request, visit } = way;
  if (way.canonical) return way.canonical;
  const seen = visit.request;
  if (!seen) return request;
  const init = { method: seen.method, headers: seen.headers, signal: request.signal, ...(request.cf && { cf: request.cf }) };
  if (seen.body && request.body) {
    way.peeked = peek(request.body, gate.maxBody);
    Object.assign(init, { body: way.peeked.readable, duplex: 'half' });
  }
  return (way.canonical = new Request(seen.url, init));
}

/** What the seller's function says that a request costs: an event. */
async function price(way, { route }) {
  const request = canonical(way);
  try {
    // Hooks may want to read it too.
    const credits = await way.prices.get(route)?.(request.body ? request.clone() : request);
    if (typeof credits === 'bigint' || Number.isSafeInteger(credits)) return { what: 'price', credits: String(credits) };
    console.error(`credits of ${route}: must be a whole number, not ${typeof credits === 'number' ? credits : typeof credits}`);
  } catch (error) {
    if (way.peeked?.isOver()) return { what: 'bodyTooLarge' };
    console.error(`credits of ${route}:`, error?.message ?? error);
  }
  return { what: 'price' };
}

/** Hands the request to whoever is to answer it. */
async function forward(way, action) {
  const { gate, request } = way;
  way.patient();
  const leash = new AbortController();
  const init = { method: action.method, headers: action.away ? outward(action.headers) : action.headers, redirect: 'manual', signal: leash.signal };
  const body = action.body && (way.peeked ? way.peeked.whole() : request.body);
  if (body) Object.assign(init, { body, duplex: 'half' });
  // A handler may want to know what the runtime says of the connection; another server is not told.
  if (request.cf && !action.away) init.cf = request.cf;
  try {
    const forwarded = new Request(action.url, init);
    // Until an answer begins: later the answer's stream is cancelled, and whoever counts it has to know by whom.
    const leave = () => leash.abort(request.signal.reason);
    request.signal?.addEventListener('abort', leave);
    const asked = action.away ? fetch(forwarded) : (async () => way.ask(forwarded, { paymentContext: context(way) }))();
    const handed = asked.then((response) => {
      if (!isResponse(response)) throw new PaywallError('the handler gave no Response');
      return carried(response);
    });
    const origin = await within(gate.originTimeout, handed).finally(() => request.signal?.removeEventListener('abort', leave));
    if (origin === undefined) {
      asked.then(cancel, () => {});
      leash.abort();
      return { what: 'originTimedOut' };
    }
    if (origin.unusable) {
      console.error(`handler: its Response cannot be delivered: ${origin.unusable}`);
      return { what: 'originUnusable' };
    }
    way.origin = origin;
    return { what: 'origin', status: origin.response.status, headers: origin.headers.flat() };
  } catch (error) {
    console.error('handler:', error);
    return { what: 'originFailed' };
  }
}

/**
 * What another server is sent. Where `fetch` decodes what is encoded, and does not encode it again, it is asked for as it
 * is: half of what is encoded cannot be decoded.
 */
function outward(headers) {
  if (IN_WORKERD) return headers;
  const kept = headers.filter(([name]) => name !== 'accept-encoding' && name !== 'upgrade');
  return [...kept, ['accept-encoding', 'identity']];
}

/** What the handler knows of the payment; nothing on a route that is not paid for. */
function context({ visit, verification }) {
  const paid = visit.payment;
  if (!paid) return undefined;
  const { credits, ...rest } = paid;
  const agentRequest = verification?.agentRequest;
  return {
    ...rest, credits: BigInt(credits), creditsToSettle: number(credits),
    ...(agentRequest && { agentRequest, agentRequestId: agentRequest.agentRequestId ?? rest.agentRequestId }),
  };
}

async function respond(way, { status, headers, body: text, file }) {
  const body = text ?? way.files?.[file];
  if (way.origin) cancel({ body: way.origin.body, webSocket: way.origin.response.webSocket });
  // What was looked at and not sent on nobody will read.
  else way.peeked?.whole().cancel().catch(() => {});
  tell(way);
  report(way);
  const answer = new Response(body, { status, headers });
  ownAnswers.add(answer);
  if (!way.hooks.onPaymentError || (status !== 402 && status !== 503)) return answer;
  const { message = '', code = '' } = read(body ?? '{}') ?? {};
  try {
    const other = await way.hooks.onPaymentError(new PaywallError(message, { code, status }), canonical(way), answer.clone());
    if (!isResponse(other)) return answer;
    // What makes it payable, and keeps it out of caches, stays.
    const dressed = withHeaders(other, headers.filter(([name]) => name === 'cache-control' || (name !== 'content-type' && name !== 'content-length' && !other.headers.has(name))));
    ownAnswers.add(dressed);
    return dressed;
  } catch (error) {
    console.error('onPaymentError:', error?.message ?? error);
    return answer;
  }
}

/** The handler's answer with other headers: same status, same stream. */
function deliver({ origin: { response } }, headers, body) {
  // A socket is not a body: it is handed over by itself, or with the response that a runtime has made for it.
  if (response.status === 101) {
    return response.webSocket ? new Response(null, { status: 101, headers, webSocket: response.webSocket }) : response;
  }
  const init = { status: response.status, statusText: plain(response.statusText), headers };
  return new Response(BODILESS.has(response.status) ? null : body, init);
}

/** A text that cannot be one is left out: by now it may be paid for, and must arrive. */
const plain = (text) => (/^[\x20-\x7e]*$/.test(text) ? text : '');

/** Writes down what became of it: a line of the log, and a data point where an Analytics Engine is bound. */
function report({ visit, analytics }) {
  const record = visit.record();
  if (!record) return;
  if (record.line) console.log(record.line);
  try {
    analytics?.writeDataPoint?.({ indexes: [record.route], blobs: record.texts, doubles: record.numbers });
  } catch (error) {
    // Nobody's answer.
    console.error('analytics:', error?.message ?? error);
  }
}

/** Hands what the state has to know to the state, behind the answer. */
function tell({ visit, store, behind }) {
  const notes = visit.notes();
  if (store && notes.length > 0) behind(store.tell(notes));
}

/** A response of another copy of the platform's class is one too. */
const isResponse = (value) => typeof value?.status === 'number' && typeof value.headers?.get === 'function';

/** As the official middleware has it; what is beyond is no number, and is left a bigint. */
function number(credits) {
  const number = Number(credits);
  return Number.isSafeInteger(number) ? number : BigInt(credits);
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
