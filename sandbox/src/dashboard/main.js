// The dashboard: polls the sandbox and shows changes.
import { Refused, get, keepSecret } from './api.js';
import { begin as beginControls, show as showControls } from './controls.js';
import { copy, fault, find, toast } from './dom.js';
import { begin as beginLog, take, name as nameInLog } from './log.js';
import { begin as beginLists, show as showLists } from './lists.js';

/** Polling intervals: with activity, after a while without activity, and without a response. A hidden page does not poll. */
const [EAGER, CALM, LOST] = [1000, 4000, 3000];
const UNTIL_CALM = 45_000;

const known = { cursor: 0, revision: undefined };
let timer;
let lastNews = Date.now();
let asking = false;
let again = false;

/** Polls once; called by a timer and after every action of the page. */
export async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  clearTimeout(timer);
  asking = true;
  let wait = EAGER;
  try {
    do {
      again = false;
      await ask();
    } while (again);
    live('on');
    if (Date.now() - lastNews > UNTIL_CALM) wait = CALM;
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      gate(error);
      return;
    }
    if (!(error instanceof Refused)) throw error;
    live('off');
    wait = LOST;
  } finally {
    asking = false;
  }
  if (!document.hidden) timer = setTimeout(refresh, wait);
}

async function ask() {
  const news = await get(`/sandbox/watch?after=${known.cursor}`);
  // The log was cleared, or another sandbox runs on the same port.
  const fresh = news.cursor < known.cursor;
  if (fresh) known.cursor = 0;
  const changed = fresh || news.cursor !== known.cursor || news.revision !== known.revision;
  if (changed) {
    lastNews = Date.now();
    const state = await get('/sandbox/state');
    gate();
    nameInLog(state);
    showLists(state);
    showControls(state);
  }
  take(fresh ? await get('/sandbox/watch?after=0') : news, { fresh });
  Object.assign(known, { cursor: news.cursor, revision: news.revision });
  tick(news.clock);
}

const WORDS = { on: 'Live', off: 'No answer', rest: 'Resting', wait: 'Connecting' };
function live(state) {
  const node = find('live');
  if (node.dataset.state === state) return;
  node.dataset.state = state;
  node.textContent = WORDS[state];
}

/** The clock advances between two responses. */
let ahead = 0;
function tick(clock) {
  ahead = clock.nowMs - Date.now();
  showTime();
}
function showTime() {
  const iso = new Date(Date.now() + ahead).toISOString();
  find('now').textContent = iso.slice(11, 19);
  find('now').dateTime = iso;
  find('clock-now').textContent = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
  find('clock-now').dateTime = iso;
}

/** Asks for the secret if the sandbox requires one, then shows the page. */
function gate(refused) {
  const form = find('gate');
  document.body.classList.toggle('gated', refused !== undefined);
  form.hidden = refused === undefined;
  if (!refused) return;
  live('rest');
  if (refused.code !== 'SANDBOX.SECRET') {
    form.querySelector('h2').textContent = 'The dashboard is closed here';
    form.querySelector('.lead').textContent = `${refused.message} ${refused.hint ?? ''}`;
    for (const node of form.querySelectorAll('label, .line')) node.hidden = true;
    return;
  }
  const field = find('secret');
  fault(field.value ? field : undefined, find('secret-wrong'), field.value ? 'That is not it.' : undefined);
  field.focus();
}

function route() {
  const sections = [...document.querySelectorAll('section[data-view]')];
  const view = location.hash.slice(1);
  const section = sections.find((one) => one.dataset.view === view) ?? sections.at(-1);
  const moved = document.body.dataset.view !== section.dataset.view;
  document.body.dataset.view = section.dataset.view;
  for (const link of document.querySelectorAll('.nav a')) {
    if (link.hash === `#${section.dataset.view}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const heading = section.querySelector('h2');
  document.title = `${heading.textContent} · Nevermined sandbox`;
  if (!moved) return;
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
  document.querySelector('.nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

find('origin').textContent = location.origin;
find('copy-env').addEventListener('click', () => copy(`NVM_BACKEND_URL=${location.origin}\nNVM_ENVIRONMENT=custom\n`, 'Environment'));
find('gate').addEventListener('submit', (event) => {
  event.preventDefault();
  keepSecret(find('secret').value);
  refresh();
});
addEventListener('hashchange', route);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return refresh();
  clearTimeout(timer);
  live('rest');
});
addEventListener('unhandledrejection', ({ reason }) => toast(String(reason?.message ?? reason), true));

beginLog(refresh);
beginLists(refresh);
beginControls(refresh);
route();
setInterval(showTime, 1000);
await refresh();
document.documentElement.dataset.ready = 'true';
