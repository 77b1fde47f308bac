// One request, from its first step to its answer, and the work behind the answer. It performs the actions of the gate and
// reports their results. Each step is one text into the WebAssembly and one out of it (fields.js).
import { meter } from '../../../worker/meter.js';
import { PaywallError } from './error.js';
import { Fields, change, headerFields } from './fields.js';
import { isResponse, onwardOf, reach } from './origin.js';
import { IN_WORKERD } from '../../http/answer.js';
import { bodyOf, call, drop, event, peek, seed, withHeaders } from './runtime.js';

/** The answers that the gate gave by itself: no handler has to do with them. */
export const ownAnswers = new WeakSet();

/** Statuses whose answers have no body. */
const BODILESS = new Set([101, 204, 205, 304]);

/** Answers a request. `way` has the gate, the request, and everything that is needed to perform actions. */
export async function runFlow(around) {
  const way = { ...around, flow: undefined, origin: undefined, verification: undefined, signal: undefined };
  let action = open(way, way.hooked || way.analytics ? '' : 'p');
  if (action.kind === 'pass') {
    const failed = await pass(way, action.fields);
    if (!failed.event) return failed;
    // It is the gate that says what to answer then.
    open(way, 'f', failed.began);
    action = step(way, failed.event);
  }
  // A client that goes away does not stop it halfway: claims are given back, and entries are closed.
  if (action.kind !== 'respond' || way.hooked) hold(way);
  let kept = false;
  try {
    action = await remembered(way, action);
    for (;;) {
      if (action.kind === 'respond') return await respond(way, action.fields);
      if (action.kind === 'deliver') {
        const { fields } = action;
        const notes = report(way, fields);
        const journal = fields.next();
        if (journal) console.error(journal);
        const steps = fields.pairs();
        const unit = fields.next();
        if (unit === '') {
          if (!way.hooked) way.flow = undefined;
          tell(way, notes);
          return deliver(way, steps, bodyOf(way.origin));
        }
        const [member, toTheEnd] = [fields.next(), fields.next() === '1'];
        const everyMs = fields.number();
        const renew = everyMs > 0 && { everyMs, shard: fields.next(), command: fields.rest() };
        const body = bodyOf(way.origin);
        const metered = toTheEnd && body ? meter(body, unit, member, way.signal) : undefined;
        const answer = deliver(way, steps, metered ? metered.readable : body);
        kept = true;
        way.behind(afterwards(way, metered, renew).finally(() => close(way)));
        return answer;
      }
      action = await next(way, action);
    }
  } finally {
    if (!kept) close(way);
    way.ended?.();
  }
}

/** Opens the flow of a request: its first action. */
function open(way, more, at = Date.now()) {
  const { gate, request, address, routed, hooked, ask, analytics, deployed } = way;
  // Nothing stands in front of the Worker that is deployed as it is.
  const gone = !deployed && (request.bodyUsed || request.body?.locked);
  const switches = `${routed ? 'r' : ''}${gone ? 'g' : ''}${ask && !deployed ? 'c' : ''}${hooked ? 'k' : ''}${analytics ? 'a' : ''}${more}`;
  const from = address === undefined || address === null ? '' : String(address).replaceAll('\n', ' ');
  const opened = gate.open(`${request.method}\n${routed ?? request.url}\n${from}\n${switches}\n${seed()}\n${at}${headerFields(request.headers)}`);
  const end = opened.indexOf('\n');
  way.flow = end > 0 ? Number(opened.slice(0, end)) : undefined;
  return actionOf(new Fields(opened, end + 1));
}

/** Keeps the runtime at it until the request has ended, whether or not its client waits. */
function hold(way) {
  if (!way.ended) way.behind(new Promise((done) => { way.ended = done; }));
}

/** Passes an open request on, of which the gate has said all that it has to say: the answer, or `{ event }` where the origin gave none. */
async function pass(way, fields) {
  const onward = onwardOf(fields);
  const steps = fields.pairs();
  const timing = fields.rest();
  const began = Date.now();
  // With a client that leaves, the runtime ends its requests; code of the seller's own runs to its end.
  onward.unleashed = IN_WORKERD && onward.kind === 'url';
  if (!onward.unleashed) {
    hold(way);
    way.signal = way.request.signal;
  }
  try {
    const failed = await reach(way, onward);
    if (failed) return { event: failed, began };
    const took = Date.now() - began;
    way.gate.waited(took);
    if (timing) steps.push(['+server-timing', `${timing}${took}`]);
    const { response } = way.origin;
    if (response.status !== 101 && !(response.status >= 200 && response.status < 600)) return { event: event('origin', String(response.status)), began };
    return deliver(way, steps, bodyOf(way.origin));
  } finally {
    way.ended?.();
    way.ended = undefined;
  }
}

/** An action: its kind, the fields that follow, and for a call the end of its path. */
function actionOf(fields) {
  const kind = fields.next();
  return { kind, fields, what: kind === 'call' ? fields.next() : undefined };
}

const step = ({ gate, flow }, event) => actionOf(new Fields(gate.step(flow, event) ?? 'respond'));

/** Drops the flow, if it has not ended by itself. */
function close(way) {
  if (way.flow !== undefined) way.gate.close(way.flow);
  way.flow = undefined;
}

/** Goes on with a request whose answer is on its way. */
async function afterwards(way, metered, renew) {
  // While the answer goes out, the state is told so.
  const timer = metered && renew && setInterval(() => way.store.ask(renew).catch((error) => console.error('state:', error?.message ?? error)), renew.everyMs);
  const { how, bytes, events, tokens } = metered ? await metered.ended : { how: 'whole', bytes: 0, events: 0 };
  clearInterval(timer);
  let action = step(way, event('ended', `${how}\n${bytes}\n${events}\n${tokens ?? ''}`));
  while (!['finish', 'respond', 'deliver'].includes(action.kind)) action = await next(way, action);
  const { kind, fields } = action;
  const notes = report(way, fields);
  if (kind === 'finish') {
    const journal = fields.next();
    if (journal) console.error(journal);
    metered?.finish(fields.rest() || undefined);
  } else {
    metered?.finish();
  }
  if (!way.hooked) way.flow = undefined;
  await way.store?.tell(notes);
}

/** Performs an action, calls the hooks, and gives the next action. */
async function next(way, action) {
  const { hooks, hooked } = way;
  way.signal ??= way.request.signal;
  const verifies = action.what === 'verify';
  let result;
  if (hooked && verifies && !way.asked) result = await hook(way, hooks.onBeforeVerify, (payment) => [canonical(way), payment.paymentRequired]);
  way.asked ||= verifies;
  result ??= await perform(way, action);
  if (verifies) way.verification = result;
  if (way.signal?.aborted && way.gate.left(way.flow)) result = event('clientGone');
  let then = step(way, result);
  if (!hooked) return then;

  if (verifies && payment(way)?.verified) {
    const refused = await hook(way, hooks.onAfterVerify, () => [canonical(way), verification(way)]);
    if (refused) then = step(way, refused);
  }
  then = await remembered(way, then);
  const settled = hooks.onAfterSettle && way.gate.settled(way.flow);
  if (settled) {
    const { credits, receipt } = JSON.parse(settled);
    try {
      await hooks.onAfterSettle(canonical(way), number(credits), receipt);
    } catch (error) {
      // It is paid for by now.
      console.error('onAfterSettle:', error?.message ?? error);
    }
  }
  return then;
}

/** Calls the hooks of a payment that is not verified because it was a moment ago: they see every payment. */
async function remembered(way, action) {
  const { hooks, hooked } = way;
  const paid = hooked && !way.asked ? payment(way) : undefined;
  if (!paid?.verified) return action;
  way.asked = true;
  way.verified = { isValid: true, payer: paid.payer };
  const refused = (await hook(way, hooks.onBeforeVerify, () => [canonical(way), paid.paymentRequired]))
    ?? (await hook(way, hooks.onAfterVerify, () => [canonical(way), way.verified]));
  return refused ? step(way, refused) : action;
}

/** The payment that is under way, as hooks see it. */
function payment({ gate, flow }) {
  return read(flow === undefined ? undefined : gate.payment(flow));
}

/** The facilitator's answer to verify, as a document. */
function verification(way) {
  const text = way.verification;
  if (way.verified === undefined && text?.startsWith('answered\n')) {
    const fields = new Fields(text);
    for (let skipped = 0; skipped < 4; skipped++) fields.next();
    way.verified = read(fields.rest());
  }
  return way.verified;
}

/** Calls a hook; one that throws refuses the payment. */
async function hook(way, hook, given) {
  const paid = hook && payment(way);
  if (!paid) return undefined;
  try {
    await hook(...given(paid));
    return undefined;
  } catch (error) {
    return event('denied', String(error?.message ?? error));
  }
}

async function perform(way, { kind, fields, what }) {
  switch (kind) {
    case 'call':
      return (way.call ?? call)(fields, way.limits.timeout, what);
    case 'state':
      try {
        return event('state', await way.store.ask({ shard: fields.next(), command: fields.rest() }));
      } catch (error) {
        console.error('state:', error?.message ?? error);
        return event('stateFailed');
      }
    case 'wait': {
      const milliseconds = fields.number();
      await new Promise((done) => setTimeout(done, milliseconds));
      return event('waited');
    }
    case 'price':
      return price(way, fields.rest());
    default:
      return forward(way, fields);
  }
}

/**
 * The request as the seller's own code sees it: the one that is forwarded, without headers that a client could forge. Its body
 * can be read to a limit until the handler is asked, which gets the whole of it all the same.
 */
function canonical(way) {
  const { gate, request, flow, limits } = way;
  if (way.canonical) return way.canonical;
  const head = read(flow === undefined ? undefined : gate.request(flow));
  if (!head) return request;
  const init = { method: head.method, headers: head.headers, signal: request.signal, ...(request.cf && { cf: request.cf }) };
  if (head.body && request.body) {
    way.peeked = peek(request.body, limits.maxBody);
    Object.assign(init, { body: way.peeked.readable, duplex: 'half' });
  }
  return (way.canonical = new Request(head.url, init));
}

/** The price of a request by the seller's function: an event. */
async function price(way, route) {
  const request = canonical(way);
  try {
    // Hooks may want to read it too.
    const credits = await way.prices.get(route)?.(request.body ? request.clone() : request);
    if (typeof credits === 'bigint' || Number.isSafeInteger(credits)) return event('price', String(credits));
    console.error(`credits of ${route}: must be a whole number, not ${typeof credits === 'number' ? credits : typeof credits}`);
  } catch (error) {
    if (way.peeked?.isOver()) return event('bodyTooLarge');
    console.error(`credits of ${route}:`, error?.message ?? error);
  }
  return event('price');
}

/** Hands the request to its origin: an event. */
async function forward(way, fields) {
  const onward = onwardOf(fields);
  const unchanged = fields.next() === '1';
  onward.context = () => context(way, fields.rest());
  const failed = await reach(way, onward);
  if (failed) return failed;
  const { response: { status }, headers } = way.origin;
  return event('origin', unchanged ? `${status}` : `${status}${headerFields(headers)}`);
}

/** The payment as the handler sees it; undefined on a route that is not paid for. */
function context(way, text) {
  if (text === '') return undefined;
  const { credits, ...rest } = JSON.parse(text);
  const agentRequest = verification(way)?.agentRequest;
  return {
    ...rest, credits: BigInt(credits), creditsToSettle: number(credits),
    ...(agentRequest && { agentRequest, agentRequestId: agentRequest.agentRequestId ?? rest.agentRequestId }),
  };
}

async function respond(way, fields) {
  if (way.origin) drop(way.origin);
  // A body that was looked at and not forwarded will not be read.
  else way.peeked?.whole().cancel().catch(() => {});
  const notes = report(way, fields);
  if (!way.hooked) way.flow = undefined;
  tell(way, notes);
  const status = fields.number();
  const file = fields.next();
  const headers = fields.pairs();
  const text = fields.next() === '1' ? fields.rest() : undefined;
  const body = text ?? way.files?.[file];
  const answer = new Response(body, { status, headers: listed(headers) });
  if (way.deployed) return answer;
  ownAnswers.add(answer);
  if (!way.hooks.onPaymentError || (status !== 402 && status !== 503)) return answer;
  const { message = '', code = '' } = read(body ?? '{}') ?? {};
  try {
    const other = await way.hooks.onPaymentError(new PaywallError(message, { code, status }), canonical(way), answer.clone());
    if (!isResponse(other)) return answer;
    // The headers that make it payable, and keep it out of caches, stay.
    const dressed = withHeaders(other, headers.filter(([name]) => name === 'cache-control' || (name !== 'content-type' && name !== 'content-length' && !other.headers.has(name))));
    ownAnswers.add(dressed);
    return dressed;
  } catch (error) {
    console.error('onPaymentError:', error?.message ?? error);
    return answer;
  }
}

/** The origin's answer with changed headers: same status, same stream. */
function deliver({ origin: { response, headers, encoded } }, steps, body) {
  if (headers === response.headers && !BODILESS.has(response.status) && plain(response.statusText) === response.statusText) {
    const answer = new Response(body, response);
    change(answer.headers, steps);
    return answer;
  }
  const changed = change(new Headers(headers), steps);
  // A socket is not a body: it is handed over by itself, or with the response that a runtime has made for it.
  if (response.status === 101) {
    return response.webSocket ? new Response(null, { status: 101, headers: changed, webSocket: response.webSocket }) : response;
  }
  const init = { status: response.status, statusText: plain(response.statusText), headers: changed };
  if (encoded) init.encodeBody = 'manual';
  return new Response(BODILESS.has(response.status) ? null : body, init);
}

/** Headers as an object, which engines read faster, unless a name is repeated. */
function listed(pairs) {
  const members = Object.fromEntries(pairs);
  return Object.keys(members).length === pairs.length ? members : pairs;
}

/** A status text that cannot be sent is left out: by now the answer may be paid for, and must arrive. */
const plain = (text) => (/^[\x20-\x7e]*$/.test(text) ? text : '');

/** Reads the end of a request: writes its line of the log and its data point, and gives the notes for the state. */
function report({ analytics }, fields) {
  const notes = fields.pairs().map(([shard, command]) => ({ shard, command }));
  notes.canWait = fields.next() === '1';
  const line = fields.next();
  if (line) console.log(line);
  if (fields.next() !== '1') return notes;
  const point = { indexes: [fields.next()], blobs: Array.from({ length: 5 }, () => fields.next()), doubles: Array.from({ length: 3 }, () => fields.number()) };
  try {
    analytics?.writeDataPoint?.(point);
  } catch (error) {
    // No answer fails for it.
    console.error('analytics:', error?.message ?? error);
  }
  return notes;
}

/** Sends notes to the state, behind the answer. */
function tell({ store, behind }, notes) {
  if (store && notes.length > 0) behind(store.tell(notes));
}

/** As the official middleware has it; a value beyond the safe integers stays a bigint. */
function number(credits) {
  const number = Number(credits);
  return Number.isSafeInteger(number) ? number : BigInt(credits);
}

function read(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
