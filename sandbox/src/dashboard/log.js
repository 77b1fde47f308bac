// The call log: one line per API call, newest first, with details.
import { del, get } from './api.js';
import { busy, copy, el, find, shorten } from './dom.js';
import { cents, clockTime, credits, moment, number } from './format.js';

/** Maximum number of lines on the page. */
const MOST = 500;

const calls = new Map();
let names = { accounts: new Map(), plans: new Map() };
let held;
let oldest = Infinity;
let more = false;

/** The kind of a call by method and path: its label and the colour of its tag. */
const KINDS = [
  [/^POST \/api\/v1\/x402\/verify$/, 'verify', 'Verify', 'accent'],
  [/^POST \/api\/v1\/x402\/settle$/, 'settle', 'Settle', 'good'],
  [/^POST \/api\/v1\/x402\/permissions$/, 'token', 'Token', 'info'],
  [/^DELETE \/api\/v1\/x402\/permissions\//, 'token', 'Revoke', 'due'],
  [/^POST \/api\/v1\/mpp\/challenge$/, 'verify', 'Challenge', 'accent'],
  [/^POST \/api\/v1\/mpp\/verify$/, 'verify', 'Verify', 'accent'],
  [/^POST \/api\/v1\/mpp\/settle$/, 'settle', 'Settle', 'good'],
  [/^POST \/api\/v1\/mpp\/permissions$/, 'token', 'Token', 'info'],
  [/^POST \/api\/v1\/protocol\/plans\/[^/]+\/order$/, 'order', 'Order', 'due'],
  [/^POST \/api\/v1\/(fiat\/stripe\/payment|orders)$/, 'order', 'Checkout', 'due'],
  [/^POST \/checkout\//, 'order', 'Pay', 'due'],
  [/^POST \/api\/v1\/protocol\/plans\/mint/, 'mint', 'Mint', 'due'],
  [/^POST \/api\/v1\/protocol\/plans\/(burn|redeem)$/, 'settle', 'Burn', 'good'],
  [/^POST \/api\/v1\/delegation\/create$/, 'delegation', 'Delegation', 'info'],
  [/^DELETE \/api\/v1\/delegation\//, 'delegation', 'Revoke', 'due'],
  [/^POST \/api\/v1\/protocol\/(plans|agents)(\/plans)?$/, 'other', 'Register', ''],
  [/^(GET|POST) \/(login|auth|oauth)/, 'other', 'Sign-in', ''],
  [/^(GET|POST) \/(cards|checkout)\//, 'other', 'Page', ''],
  [/^GET .*\/balance\//, 'other', 'Balance', ''],
  [/^GET /, 'other', 'Read', ''],
];
const PAYMENTS = ['verify', 'settle', 'token', 'order', 'mint', 'delegation'];

function kindOf({ method, path }) {
  const found = KINDS.find(([pattern]) => pattern.test(`${method} ${path}`));
  return found ? { kind: found[1], word: found[2], tone: found[3] } : { kind: 'other', word: method, tone: '' };
}

const parse = (text) => {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
};

/** The data of a line. */
function read(call) {
  const request = parse(call.request);
  const response = parse(call.response);
  const planId = request.paymentRequired?.accepts?.[0]?.planId ?? request.accepted?.planId ?? request.planId ?? response.planId
    ?? /\/plans\/(\d{10,})/.exec(call.path)?.[1];
  // Verify and settle are called by the seller for a buyer's payment.
  const who = response.payer ?? call.account;
  const { method, path, status } = call;
  const tone = status === 0 || status >= 500 ? 'bad' : status >= 400 || response.isValid === false ? 'due' : '';
  return { ...call, ...kindOf(call), signal: tone || (kindOf(call).kind === 'settle' && status < 300 ? 'good' : ''), request, response, planId, who, method, path };
}

/** A short description of the result. */
function facts(one) {
  const { request, response, kind } = one;
  const said = [];
  if (one.status >= 400 && response.code) return [response.message ?? response.code];
  if (kind === 'settle' && response.creditsRedeemed !== undefined) said.push(`${credits(response.creditsRedeemed)} taken, ${number(response.remainingBalance)} left`);
  else if (kind === 'verify' && response.isValid === true) said.push(request.maxAmount ? `${credits(request.maxAmount)} at hand` : 'valid');
  else if (kind === 'verify' && response.isValid === false) said.push(response.invalidReason ?? 'not valid');
  else if (kind === 'mint') said.push(`${credits(request.amount ?? request.creditsAmount ?? 0)} to ${nameOf(request.creditsReceiver)}`);
  else if (kind === 'delegation' && request.spendingLimitCents) said.push(`up to ${cents(request.spendingLimitCents, request.currency)}`);
  else if (response.balance !== undefined) said.push(credits(response.balance));
  return said;
}

const nameOf = (address) => names.accounts.get(String(address ?? '').toLowerCase()) ?? shorten(String(address ?? ''));

/** Names of accounts and plans for the lines. */
export function name(state) {
  names = {
    accounts: new Map(state.accounts.items.map((one) => [one.address.toLowerCase(), one.name])),
    plans: new Map(state.plans.items.map((one) => [one.planId, one.name])),
  };
}

function line(one) {
  // The result comes first, because it stays visible on narrow screens.
  const parts = facts(one).map((fact) => el('b', {}, fact));
  if (one.who) parts.push(nameOf(one.who));
  if (one.planId && names.plans.has(one.planId)) parts.push(names.plans.get(one.planId));
  const gist = el('span', { class: 'gist' });
  parts.forEach((part, index) => gist.append(index > 0 ? ' · ' : '', part));
  if (one.kind === 'other' || parts.length === 0) gist.append(parts.length > 0 ? ' ' : '', el('span', { class: 'path' }, one.kind === 'other' && one.word !== one.method ? `${one.method} ${tail(one.path)}` : tail(one.path)));
  const status = el('span', { class: `status tone-${one.status === 0 || one.status >= 500 ? 'bad' : one.status >= 400 ? 'due' : 'good'}` },
    one.fault && el('span', { class: 'tag bad', title: 'A fault struck' }, one.fault), one.status === 0 ? 'dropped' : String(one.status));
  const details = el('details', { ontoggle: () => details.open && !details.querySelector('.inside') && details.append(inside(one)) },
    el('summary', {}, el('time', { datetime: one.at }, clockTime(one.at)), el('span', { class: `what tag ${one.tone}` }, one.word), gist, status));
  return el('li', { class: 'call', 'data-id': one.id, 'data-kind': one.kind, 'data-tone': one.signal || undefined }, details);
}

/** The last words of a path; ids in it are shortened. */
const tail = (path) => path.replace(/^\/api\/v1/, '').replace(/\/(\d{12,}|0x[0-9a-fA-F]{16,}|[0-9a-f-]{36})/g, (_, id) => `/${shorten(id, 5, 3)}`);

function inside(one) {
  const { response } = one;
  const fact = (label, text, what) => text && el('span', {}, el('span', { class: 'dim' }, label), el('code', {}, text),
    what && el('button', { type: 'button', class: 'icon', 'aria-label': `Copy ${what}`, onclick: () => copy(text, what) }, 'Copy'));
  return el('div', { class: 'inside' },
    one.status >= 400 && response.code && el('div', { class: 'said' },
      el('p', {}, el('b', {}, response.code), ` ${response.message ?? ''}`),
      response.hint && el('p', {}, response.hint),
      el('p', { class: 'dim' }, [response.category, response.retryable === true ? 'may succeed later' : 'trying again will not help'].filter(Boolean).join(', '))),
    el('p', { class: 'facts' },
      fact('Call', `${one.method} ${one.path}${one.query ? `?${one.query}` : ''}`), fact('At', moment(one.at)),
      fact('Correlation id', one.correlationId, 'correlation id'), fact('Fault', one.fault)),
    el('div', { class: 'bodies' }, body('Request', one.requestText), body('Response', one.responseText)));
}

function body(title, text) {
  const shown = text ? pretty(text) : undefined;
  return el('section', {},
    el('h3', {}, title, shown && el('button', { type: 'button', class: 'icon', 'aria-label': `Copy ${title.toLowerCase()}`, onclick: () => copy(shown, title) }, 'Copy')),
    el('pre', { tabindex: shown && '0', role: shown && 'region', 'aria-label': shown && `${title} body` }, shown ?? el('span', { class: 'dim' }, 'no body')));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Adds the calls of a response; `fresh` removes the earlier ones. */
export function take(news, { fresh = false } = {}) {
  if (fresh) {
    calls.clear();
    oldest = Infinity;
    find('calls').replaceChildren();
  }
  if (oldest === Infinity) more = news.more;
  if (held && news.calls.length > 0) {
    held.push(...news.calls);
    find('log-pause').textContent = `Go on (${held.length} new)`;
  } else {
    add(news.calls);
  }
  settle();
}

/** Inserts calls in order: all calls of a response are either newer or older than the present ones. */
function add(some) {
  const list = find('calls');
  const first = list.firstChild;
  const hadCalls = calls.size > 0;
  const newer = some.filter(({ id }) => !calls.has(id)).map((call) => read({ ...call, requestText: call.request, responseText: call.response }));
  for (const one of newer) {
    const node = line(one);
    calls.set(one.id, { one, node, text: haystack(one) });
    if (one.id < oldest && hadCalls && oldest !== Infinity) list.append(node);
    else list.prepend(node);
    if (hadCalls && first && one.id > oldest) node.classList.add('fresh');
  }
  for (const one of newer) oldest = Math.min(oldest, one.id);
  for (const id of [...calls.keys()].sort((a, b) => a - b).slice(0, Math.max(0, calls.size - MOST))) {
    const { node } = calls.get(id);
    if (node.contains(document.activeElement)) continue;
    node.remove();
    calls.delete(id);
  }
  filter();
}

const haystack = (one) => [one.method, one.path, one.query, one.status, one.correlationId, one.who && nameOf(one.who), one.planId && names.plans.get(one.planId),
  one.word, one.fault, one.requestText, one.responseText].join('\n').toLowerCase();

function filter() {
  const wanted = find('log-text').value.trim().toLowerCase();
  const show = new FormData(find('log-filters')).get('show');
  for (const { one, node, text } of calls.values()) {
    const shown = show === 'all' || (show === 'payments' && PAYMENTS.includes(one.kind))
      || (show === 'errors' && (one.status >= 400 || one.status === 0 || one.signal === 'due')) || (show === 'faults' && Boolean(one.fault));
    node.hidden = !(shown && (wanted === '' || text.includes(wanted)));
  }
  settle();
}

function settle() {
  const visible = [...calls.values()].some(({ node }) => !node.hidden);
  const empty = find('log-empty');
  empty.hidden = visible;
  find('calls').hidden = !visible;
  if (!visible) empty.textContent = calls.size > 0 ? 'No call is like that.' : 'Nothing was called yet. Point a client at this address and its calls come by here.';
  find('log-more').hidden = !more || calls.size >= MOST;
}

export function begin(refresh) {
  find('log-text').addEventListener('input', filter);
  find('log-filters').addEventListener('change', filter);
  find('log-filters').addEventListener('submit', (event) => event.preventDefault());
  find('log-pause').addEventListener('click', ({ currentTarget }) => {
    const waiting = held;
    held = held ? undefined : [];
    currentTarget.setAttribute('aria-pressed', String(held !== undefined));
    currentTarget.textContent = held ? 'Go on' : 'Pause';
    if (waiting) add(waiting);
  });
  find('log-clear').addEventListener('click', ({ currentTarget }) => busy(currentTarget, async () => {
    await del('/sandbox/calls');
    take({ calls: [], more: false }, { fresh: true });
    await refresh();
  }));
  find('log-more').addEventListener('click', ({ currentTarget }) => busy(currentTarget, async () => {
    const older = await get(`/sandbox/watch?before=${oldest}`);
    more = older.more;
    add(older.calls.reverse());
    settle();
  }));
}
