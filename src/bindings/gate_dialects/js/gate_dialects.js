// The dialects of 402 that a gate speaks beside x402 with plans: MPP, x402 `exact` at any facilitator, names of payments. A file of its own that
// the gate loads where its options ask for one. The rules are in the core (`paywall::dialects`); this reads bodies, sends calls and sets
// headers around the gate's own flow.
import { bytes } from '../../http/answer.js';
import { opened } from './load.js';
import start, { Dialects } from './gate_dialects_glue.js';
import { named, note, refused } from './named.js';
import { supported } from './supported.js';

let loading;
/** Starts the WebAssembly: of a module where the runtime gives one, else of the file beside this one. */
const ready = (wasm) => (loading ??= begin(wasm).catch((error) => {
  loading = undefined;
  throw error;
}));

async function begin(wasm) {
  await start({ module_or_path: wasm ? (await wasm()).default : await opened(new URL('./gate_dialects_bg.wasm', import.meta.url)) });
}

/**
 * The dialects of one gate. `options`, `variables` and `document` are its configuration as JSON. The others are what the gate's own script has: the class that reads
 * fields, its call, the set of the answers that are the gate's, what makes an error of the configuration, the functions among the options, the module of the
 * WebAssembly. They have no names there, which every gate would load.
 */
export async function speak(options, variables, document, Fields, call, answers, refusal, hooks, wasm) {
  await ready(wasm);
  let core;
  try {
    core = new Dialects(options, variables, document);
  } catch (error) {
    if (typeof error !== 'string') throw error;
    throw refusal(...error.split('\n'));
  }
  const headers = JSON.parse(core.facilitatorHeaders() ?? '{}');
  const tools = { Fields, call, own: answers, refusal, headersOf: hooks.facilitatorHeaders ?? ((url) => headers[url]) };
  const about = JSON.parse(core.about());
  const { names } = about;
  const [url, ...pairs] = core.challenge().split('\n');
  const around = { core, challenge: { url, pairs }, about, tools, names, supported: supported(core, tools) };
  return {
    left: core.left(),
    /** The problem of a gate without a state. */
    check(store) {
      const { needsState: needs } = about;
      if (needs && store === undefined) throw tools.refusal(needs, "needs a state, which keeps what must be true once: state: 'memory', or a Durable Object");
    },
    note,
    /** A call of the gate, put to who can answer it: where no request waits. */
    call: (fields, patience, what) => ask(around, fields, patience, what, {}),
    answer: (way, runFlow) => answer(around, way, runFlow),
  };
}

const json = (status, code, message, more = {}) => Response.json(
  { error: { 400: 'Bad Request', 409: 'Conflict', 413: 'Content Too Large' }[status], message: `${message} Nothing was charged.`, code }, { status, headers: { 'cache-control': 'no-store', ...more } },
);

async function answer(around, way, runFlow) {
  const { core, about, names, tools } = around;
  const { limits } = way;
  let { request } = way;
  const { headers } = request;
  const search = URL.canParse(request.url) ? new URL(request.url).search : '';
  const token = names.map((name) => headers.get(name)).find((value) => value?.trim()) ?? undefined;
  const arrival = {
    authorization: headers.get('authorization') ?? undefined, token, xPayment: headers.get('x-payment') ?? undefined, search, now: Math.floor(Date.now() / 1000),
  };
  let entry = JSON.parse(core.enter(JSON.stringify(arrival)));
  const name = JSON.parse(core.nameOf(token));
  if (name?.refused) return own(tools, refused(name, json));
  let digest;
  if (entry.kind === 'body' || about.bindBody || name) {
    const read = await readBody(request, limits.maxBody);
    if (!read) return own(tools, json(413, 'body_too_large', `The body is larger than ${limits.maxBody} bytes.`));
    ({ request, digest } = read);
    if (about.mpp) entry = JSON.parse(core.enter(JSON.stringify({ ...arrival, bodyDigest: digest })));
  }
  const exchange = {};
  let keep;
  if (name) {
    keep = await named({ store: way.store, name, parts: [request.method, request.url, token, digest], json });
    if (keep.answer) return own(tools, keep.answer);
  }
  if (entry.kind !== 'plain') request = new Request(request, { headers: dressed(headers, entry, names) });
  let response = await runFlow({
    ...way, request,
    // A debt of the payer's may be of another dialect than the request.
    call: async (fields, patience, what) => {
      const event = await ask(around, fields, patience, what, exchange);
      return keep && what === 'verify' ? keep.begin(event, tools) : event;
    },
  });
  if (response.status === 402 && entry.dialect === 'mpp') response = await conflict(response, tools);
  if (response.status === 402) response = await offered(around, way, response, { entry, search, digest });
  const set = (name, value) => response.headers.set(name, value);
  const receipt = response.headers.get('payment-response');
  if (response.ok && exchange.receipt && receipt) set('payment-receipt', exchange.receipt);
  if (entry.dialect === 'exact-v1' && receipt) set('x-payment-response', receipt);
  for (const [name, more] of [
    ['access-control-expose-headers', [about.mpp && 'www-authenticate', about.mpp && 'payment-receipt', entry.dialect === 'exact-v1' && 'x-payment-response']],
    ['access-control-allow-headers', [about.mpp && 'authorization', core.speaksV1() && 'x-payment']],
  ]) {
    const list = response.headers.get(name);
    const added = more.filter(Boolean);
    if (list && added.length > 0) set(name, [...new Set([...list.split(/\s*,\s*/), ...added])].join(', '));
  }
  return keep ? keep.end(response, way.behind) : response;
}

/** An answer of the gate's own. */
function own({ own: answers }, response) {
  answers.add(response);
  return response;
}

/** The headers of a request as the gate takes them: its payment as a token, and nothing else that pays. */
function dressed(headers, entry, names) {
  const own = new Headers(headers);
  for (const name of [...names, 'x-payment']) own.delete(name);
  // A credential that is no token is refused like one, with the offer.
  own.set(names[0], entry.token ?? '-');
  if (entry.dialect !== undefined && entry.authorization) own.set('authorization', entry.authorization);
  else if (/(^|[\s,])payment\s/i.test(own.get('authorization') ?? '')) own.delete('authorization');
  return own;
}

/** The request with its body in memory, and the digest of that; undefined for a body that is too large. */
async function readBody(request, most) {
  const whole = request.body ? await bytes(request.body.getReader(), most) : new Uint8Array();
  if (!whole) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  const { method, headers, signal, cf } = request;
  const body = ['GET', 'HEAD'].includes(method) ? undefined : whole;
  const init = { method, headers, signal, redirect: 'manual', ...(cf && { cf }), ...(body && { body }) };
  return { request: new Request(request.url, init), digest: `sha-256=${btoa(String.fromCharCode(...hash))}` };
}

const answered = (status, correlation, body) => `answered\n${Date.now()}\n${status}\n${correlation}\n${body}`;

/** Puts a call of the gate to who can answer it, and gives the answer in the platform's words: an event. */
async function ask({ core, tools }, fields, patience, what, exchange) {
  const { Fields, call } = tools;
  const start = fields.at;
  const [url, method, headers] = [fields.next(), fields.next(), fields.pairs()];
  const body = fields.rest();
  fields.at = start;
  const settles = what === 'settle';
  const found = settles || what === 'verify' ? core.outgoing(settles, body) : undefined;
  if (!found) return call(fields, patience);
  const asked = JSON.parse(found);
  if (asked.status) return answered(asked.status, '', asked.body);
  let lines;
  if (!asked.facilitator) {
    lines = [url.replace(/\/api\/v1\/x402\/\w+$/, asked.path), method, headers.length, ...headers.flat(), asked.body];
  } else {
    let more;
    try {
      more = await tools.headersOf?.(asked.facilitator, what);
    } catch (error) {
      console.error('facilitatorHeaders:', error?.message ?? error);
      return `unreachable\n${Date.now()}`;
    }
    // The seller's key is the platform's alone.
    const own = Object.entries({ accept: 'application/json', 'content-type': 'application/json', ...more });
    lines = [asked.facilitator + asked.path, method, own.length, ...own.flat(), asked.body];
  }
  const event = await call(new Fields(lines.join('\n')), patience);
  if (!event.startsWith('answered\n')) return event;
  const parts = new Fields(event);
  parts.next();
  parts.next();
  const [status, correlation, text] = [parts.number(), parts.next(), parts.rest()];
  const translated = core.incoming(settles, body, exchange.payer, status, text);
  const [to, from] = [Number(translated.slice(0, translated.indexOf('\n'))), translated.slice(translated.indexOf('\n') + 1)];
  if (to >= 200 && to < 300) {
    const said = parsed(from);
    if (!settles) exchange.payer = typeof said.payer === 'string' ? said.payer : undefined;
    else if (typeof said.paymentReceipt === 'string' && /^[\w=+/-]+$/.test(said.paymentReceipt)) exchange.receipt = said.paymentReceipt;
  }
  return answered(to, correlation, from);
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const isJson = (response) => /^application\/json\b/.test(response.headers.get('content-type') ?? '');

/** The same answer with another status, other headers or another body. */
function changed(tools, response, { status = response.status, body, headers }) {
  headers.delete('content-length');
  return own(tools, new Response(body, { status, headers }));
}

/** 409 for a credential that another request is being served for. */
async function conflict(response, tools) {
  if (!isJson(response)) return response;
  const text = await response.text();
  const headers = new Headers(response.headers);
  const { code } = parsed(text);
  if (code !== 'payment_token_used') return changed(tools, response, { body: text || null, headers });
  headers.delete('payment-required');
  const message = 'This credential is being used by another request. Nothing was charged for this one.';
  return changed(tools, response, { status: 409, body: JSON.stringify({ error: 'Conflict', message, code }), headers });
}

/** The 402 in all dialects. */
async function offered(around, way, response, { entry, search, digest }) {
  const { core, about, tools, supported: look } = around;
  const header = response.headers.get('payment-required');
  if (!header) return response;
  const text = isJson(response) ? await response.text() : undefined;
  if (about.exact) await look(way);
  const { code, message } = entry.kind === 'refused' ? entry : {};
  const offer = core.offer(JSON.stringify({ header, body: text || undefined, search, bodyDigest: digest, code, message }));
  const headers = new Headers(response.headers);
  const body = text === undefined ? response.body : text || null;
  if (!offer) return text === undefined ? response : changed(tools, response, { body, headers });
  const { status, header: required, body: made, challenges } = JSON.parse(offer);
  if (required) headers.set('payment-required', required);
  else {
    headers.delete('payment-required');
    headers.set('content-type', 'application/json');
    headers.set('retry-after', '5');
  }
  for (const challenge of await Promise.all(challenges.map((one) => issue(around, way, one)))) {
    try {
      if (challenge) headers.append('www-authenticate', challenge);
    } catch (error) {
      console.error('mpp: a challenge cannot be sent:', error?.message ?? error);
    }
  }
  return changed(tools, response, { status, body: made ?? body, headers });
}

/** A challenge by the platform, which seals it; undefined where it gives none. The 402 is paid by x402 then. */
async function issue({ challenge: { url, pairs }, tools: { Fields, call } }, { limits }, body) {
  const event = await call(new Fields([url, 'POST', pairs.length / 2, ...pairs, body].join('\n')), limits.timeout);
  const parts = new Fields(event);
  const [kind, , status, , text] = [parts.next(), parts.next(), parts.number(), parts.next(), parts.rest()];
  const { challenge, code } = kind === 'answered' ? parsed(text) : {};
  if (kind === 'answered' && status >= 200 && status < 300 && typeof challenge === 'string') return challenge;
  console.error(`mpp: the platform gave no challenge: ${kind === 'answered' ? `${status} ${code ?? ''}` : kind}`);
  return undefined;
}
