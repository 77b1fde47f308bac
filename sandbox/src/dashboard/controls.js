// Controls of the sandbox: faults, clock, settings, reset.
import { call, del, get, post } from './api.js';
import { busy, button, confirmed, copy, el, fault, find, reconcile, toast } from './dom.js';
import { lasting, plural } from './format.js';

const PRESETS = [
  ['Settle is down', 'POST …/settle answers 503, and nothing is taken', { kind: 'status', status: 503, match: { method: 'POST', path: 'settle$' } }],
  ['Settle’s answer is lost', 'credits are taken, and the seller never hears of it', { kind: 'lose-answer', match: { method: 'POST', path: 'settle$' } }],
  ['Verify is down', 'POST …/verify answers 503', { kind: 'status', status: 503, match: { method: 'POST', path: 'verify$' } }],
  ['Orders get lost', 'the order never arrives', { kind: 'drop', match: { method: 'POST', path: 'order$' } }],
  ['An order’s answer is lost', 'it is bought, and the buyer does not know', { kind: 'lose-answer', match: { method: 'POST', path: 'order$' } }],
  ['Too many requests', '429 with Retry-After: 2', { kind: 'status', status: 429, retryAfterSecs: 2, match: { path: '/api/' } }],
  ['Slow', 'every call waits 2 seconds', { kind: 'latency', ms: 2000, match: { path: '/api/' } }],
  ['Garbled answers', 'all is done, and half of the answer comes', { kind: 'garble', match: { path: '/api/' } }],
  ['Tokens cannot be minted', 'POST /x402/permissions answers 500', { kind: 'status', status: 500, code: 'BCK.X402.0004', match: { method: 'POST', path: '/api/v1/x402/permissions' } }],
];

let refresh;

function does({ kind, ms, status, code, retryAfterSecs }) {
  return {
    latency: `waits ${ms ?? 1000} ms`, drop: 'drops the call', garble: 'cuts the answer in half', 'lose-answer': 'loses the answer',
    status: `answers ${status ?? 503}${code ? ` ${code}` : ''}${retryAfterSecs ? `, try again in ${retryAfterSecs} s` : ''}`,
  }[kind] ?? kind;
}

const where = ({ match = {} }) => [match?.method, match?.path].filter(Boolean).join(' ') || 'every call';

async function switchOn(rule) {
  const probability = Number(find('fault-chance').value);
  const times = find('fault-times').value;
  await post('/sandbox/faults', { ...rule, ...(probability < 1 && { probability }), ...(times && { times: Number(times) }) });
  await refresh();
  toast('On from the next call');
}

function showFaults({ sandbox, faults }) {
  const off = !sandbox.faulty;
  find('faults-off').hidden = !off;
  find('faults-form').disabled = off;
  find('faults-command').textContent = sandbox.command ?? 'SANDBOX_FAULTS = "1"   # under [vars] in wrangler.toml';
  const list = faults ?? [];
  const live = list.filter(({ times, struck }) => times === undefined || struck < times);
  const chip = find('chip-faults');
  chip.textContent = live.length > 0 ? `${plural(live.length, 'fault')} on` : 'Faults off';
  if (live.length > 0) chip.dataset.tone = 'bad';
  else delete chip.dataset.tone;
  const place = find('faults-on');
  if (!place.firstChild) {
    const head = ['What', 'Which calls', 'Chance', 'Struck', ''].map((text) => el('th', { scope: 'col', role: 'columnheader', class: text === 'Struck' ? 'num' : undefined }, text || el('span', { class: 'hush' }, 'Actions')));
    place.append(el('table', { role: 'table', 'aria-label': 'Faults that are on' }, el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)), el('tbody', { role: 'rowgroup' })),
      el('p', { class: 'empty' }, 'All goes well.'),
      el('p', {}, button('Switch all off', async () => { await del('/sandbox/faults'); await refresh(); toast('All goes well again'); }, { class: 'small' })));
  }
  const [table, none, all] = place.children;
  table.hidden = all.hidden = list.length === 0;
  none.hidden = list.length > 0;
  reconcile(table.tBodies[0], list, {
    key: ({ id }) => String(id),
    make: (one) => el('tr', { role: 'row' },
      el('td', { role: 'cell', 'data-label': 'What' }, el('span', { class: 'name' }, does(one))),
      el('td', { role: 'cell', 'data-label': 'Calls', class: 'mono' }, where(one)),
      el('td', { role: 'cell', 'data-label': 'Chance' }, one.probability === undefined || one.probability === 1 ? 'always' : `${one.probability * 100} %`),
      el('td', { role: 'cell', 'data-label': 'Struck', class: 'num' }, `${one.struck} of ${plural(one.seen, 'call')}${one.times ? `, ${one.times} at most` : ''}`),
      el('td', { role: 'cell', class: 'acts' }, button('Off', async () => { await del(`/sandbox/faults/${one.id}`); await refresh(); }, { class: 'small', 'aria-label': `Switch off: ${does(one)}, ${where(one)}` }))),
  });
}

function showSettings({ settings }) {
  const keep = (node, set) => { if (document.activeElement !== node) set(); };
  const delay = find('set-delay');
  keep(delay, () => { delay.value = settings.creditsDelaySecs; });
  for (const radio of document.querySelectorAll('[name="version"]')) radio.checked = Number(radio.value) === settings.tokenVersion;
  find('set-legal').checked = settings.legalConsent;
  find('set-mpp').checked = settings.mpp;
}

function showClock({ clock }) {
  const ahead = clock.offsetMs / 1000;
  find('clock-offset').textContent = Math.abs(ahead) < 1 ? 'the machine’s time' : `${lasting(ahead)} ${ahead > 0 ? 'ahead of' : 'behind'} the machine`;
  const chip = find('chip-clock');
  if (Math.abs(ahead) < 1) delete chip.dataset.tone;
  else chip.dataset.tone = 'due';
  chip.title = find('clock-offset').textContent;
}

const PATIENCE = 5000;
let checkedAt = -PATIENCE;
/**
 * The audit of the ledger. It reads the whole ledger, so it runs only while the section is open, and not on every
 * change.
 */
async function showBooks() {
  if (document.body.dataset.view !== 'balances' || performance.now() - checkedAt < PATIENCE) return;
  checkedAt = performance.now();
  const { ok, postings, invariants } = await get('/sandbox/ledger/check');
  const chip = find('chip-books');
  chip.hidden = false;
  chip.dataset.tone = ok ? 'good' : 'bad';
  chip.textContent = ok ? 'Books balance' : 'Books do not balance';
  const broken = invariants.filter((one) => !one.ok).map(({ says, failures }) => `${says} ${failures.join(', ')}`);
  find('books').textContent = ok ? `The books balance: ${plural(postings, 'posting')} added up again.` : `The books do not balance. ${broken.join(' ')}`;
}

export function show(state) {
  showFaults(state);
  showSettings(state);
  showClock(state);
  if (state.sandbox.ledger) showBooks().catch((error) => toast(error.message, true));
}

async function setClock(body, said) {
  await post('/sandbox/clock', body);
  fault(undefined, find('clock-wrong'));
  await refresh();
  toast(said);
}

function beginClock() {
  const wrong = find('clock-wrong');
  for (const node of find('advance').children) {
    const seconds = Number(node.dataset.secs);
    node.addEventListener('click', () => busy(node, () => setClock({ advanceSecs: seconds }, `${lasting(seconds)} later`)));
  }
  find('advance-own').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = find('advance-count');
    fault(field, wrong);
    const seconds = Number(field.value) * Number(find('advance-unit').value);
    if (!Number.isSafeInteger(seconds) || seconds <= 0) return fault(field, wrong, 'A whole number above 0.');
    busy(event.submitter, () => setClock({ advanceSecs: seconds }, `${lasting(seconds)} later`));
  });
  find('clock-set').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = find('clock-to');
    fault(field, wrong);
    const moment = Date.parse(`${field.value}Z`);
    if (Number.isNaN(moment)) return fault(field, wrong, 'A date and a time.');
    busy(event.submitter, () => setClock({ now: moment }, 'The clock is set').catch((error) => fault(field, wrong, error.message)));
  });
  find('clock-reset').addEventListener('click', ({ currentTarget }) => busy(currentTarget, () => setClock({ reset: true }, 'Back to the machine’s time')));
}

function beginSettings() {
  const save = async (body) => {
    try {
      await post('/sandbox/settings', body);
      toast('Saved');
    } finally {
      await refresh();
    }
  };
  const said = (error) => toast(error.message, true);
  const delay = find('set-delay');
  delay.addEventListener('change', () => {
    const wrong = find('set-delay-wrong');
    fault(delay, wrong);
    if (!/^\d{1,8}$/.test(delay.value) || Number(delay.value) > 31_557_600) return fault(delay, wrong, 'Seconds, from 0 to a year of them (31557600).');
    save({ creditsDelaySecs: Number(delay.value) }).catch(said);
  });
  find('settings').addEventListener('change', ({ target }) => {
    if (target.name === 'version') save({ tokenVersion: Number(target.value) }).catch(said);
    if (target.id === 'set-legal') save({ legalConsent: target.checked }).catch(said);
    if (target.id === 'set-mpp') save({ mpp: target.checked }).catch(said);
  });
  find('settings').addEventListener('submit', (event) => event.preventDefault());
  find('reset').addEventListener('click', async ({ currentTarget }) => {
    if (!(await confirmed({ title: 'Reset the sandbox?', text: 'All accounts, plans, balances, faults, settings and the log are gone for good. Keys that are in use stop being known.', yes: 'Reset' }))) return;
    await busy(currentTarget, async () => {
      await call('POST', '/sandbox/reset', {});
      await refresh();
      toast('As if it had just been started');
    });
  });
}

const THEME = 'payments-wasm.sandbox.theme';
function beginTheme() {
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  const kept = localStorage.getItem(THEME) ?? '';
  set(kept);
  for (const radio of document.querySelectorAll('[name="theme"]')) radio.checked = radio.value === kept;
  find('theme').addEventListener('change', ({ target }) => {
    set(target.value);
    localStorage.setItem(THEME, target.value);
  });
}

function beginFaults() {
  for (const [title, text, rule] of PRESETS) {
    find('presets').append(el('li', {}, el('button', { type: 'button', onclick: ({ currentTarget }) => busy(currentTarget, () => switchOn(rule)) }, el('b', {}, title), el('span', {}, text))));
  }
  const kind = find('own-kind');
  const fields = () => {
    for (const node of document.querySelectorAll('.custom [data-kind]')) node.hidden = node.dataset.kind !== kind.value;
  };
  kind.addEventListener('change', fields);
  fields();
  find('own-add').addEventListener('click', ({ currentTarget }) => busy(currentTarget, async () => {
    const [path, method, code] = ['own-path', 'own-method', 'own-code'].map((name) => find(name).value.trim());
    const rule = {
      kind: kind.value,
      ...(kind.value === 'status' && { status: Number(find('own-status').value), ...(code && { code }) }),
      ...(kind.value === 'latency' && { ms: Number(find('own-ms').value) }),
      match: { ...(method && { method }), ...(path && { path }) },
    };
    fault(find('own-path'), find('own-wrong'));
    try {
      await switchOn(rule);
    } catch (error) {
      fault(find('own-path'), find('own-wrong'), error.message);
    }
  }));
  find('faults-copy').addEventListener('click', () => copy(find('faults-command').textContent, 'Command'));
}

export function begin(then) {
  refresh = then;
  addEventListener('hashchange', () => showBooks().catch((error) => toast(error.message, true)));
  beginFaults();
  beginClock();
  beginSettings();
  beginTheme();
}
