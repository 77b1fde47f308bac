// The 402 page: what it costs, who pays, the button that pays, and what was paid for.
import { Payments } from 'payments-wasm';
import { credits, data, find, make, money, say, short, tell, time } from './dom.js';
import { show } from './show.js';

const OWN = '/.well-known/payments';
/** The headers of a browser's page load; the last one marks the request as sent by a script. */
const ASK = { headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'x-requested-with': 'payments-wasm' } };
/** The limits of a delegation. It can spend almost nothing, because the credits are bought before. */
const LIMIT = { spendingLimitCents: 1, durationSecs: 3600 };

const to = target();
let payments;
let offers = [];
let busy = false;
/** Plans bought on this page, by name. */
const bought = [];

start().catch((error) => fail(error));

async function start() {
  status('loading');
  payments = Payments.getBrowserInstance({
    ...data.platform, storage: data.storage, returnUrl: `${OWN}/login${to ? `?to=${encodeURIComponent(to)}` : ''}`,
    onSessionChange: () => busy || act(look),
  });
  // A window that brought a login to the page which opened it is done.
  if (window.closed) return;
  find('form').addEventListener('submit', (event) => {
    event.preventDefault();
    act(go);
  });
  find('plans').addEventListener('change', render);
  find('other').addEventListener('click', () => act(() => payments.connect()));
  find('leave').addEventListener('click', () => {
    payments.logout();
    act(look, find('go'));
  });
  if (payments.loginError) fail(payments.loginError);
  if (data.message && data.code !== 'payment_missing') tell('said', data.message);
  if (!to) return status('back');
  if (data.again === false && data.to) {
    tell('said', say('not_again'));
    return status();
  }
  await look();
  // A checkout by redirect ends here.
  const came = await payments.plans.checkoutReturned({ onProgress: () => status('busy_checkout') });
  if (came) await look();
}

/** The resource, as a URL of this host: the one that was asked for, or the one that a login was for. */
function target() {
  const named = data.to ? data.to + location.hash : new URLSearchParams(location.search).get('to');
  const url = named && URL.canParse(named, location.href) && new URL(named, location.href);
  return url && url.origin === location.origin ? url.pathname + url.search + url.hash : undefined;
}

/** Asks what it costs, and what is held. */
async function look() {
  status('loading');
  const { response, offers: found } = await payments.quote(to, ASK);
  response.body?.cancel().catch(() => {});
  status();
  if (found.length === 0) {
    if (response.status === 402) throw Object.assign(new Error(say('trouble')), { code: 'malformed_offer' });
    // Something let us through since: a pass of another tab, perhaps.
    tell('said', say('already')).append(' ', make('a', { href: to }, say('continue')));
    find('form').hidden = true;
    return;
  }
  const before = chosen()?.planId;
  offers = found;
  list(before);
  render();
  for (const id of ['form', 'go', 'plans']) find(id).hidden = false;
}

function list(before) {
  const only = offers.length === 1 ? ' only' : '';
  const plans = offers.map((offer, index) => {
    const input = make('input', { type: 'radio', name: 'plan', value: index });
    input.checked = offer.planId === before || (index === 0 && !offers.some(({ planId }) => planId === before));
    const terms = [granted(offer), say(isCard(offer) ? 'plan_card' : 'plan_wallet')].filter(Boolean).join(', ');
    const texts = make('span', {}, make('b', {}, name(offer)), make('span', {}, terms));
    if (offer.balance !== undefined) texts.append(make('span', { class: 'held' }, held(offer)));
    return make('label', { class: `plan${only}` }, input, texts);
  });
  find('plans').replaceChildren(find('plans').firstElementChild, ...plans);
}

const chosen = () => offers[document.querySelector('[name=plan]:checked')?.value];
const name = (offer) => offer.planName ?? short(offer.planId);
const isCard = (offer) => offer.scheme === 'nvm:card-delegation' || offer.price?.isCrypto === false;
const isFree = (offer) => offer.price?.amount === 0n;
const cost = (offer) => offer.credits ?? 1n;
const isShort = (offer) => (offer.balance ?? 0n) < cost(offer);

function granted({ price, planCredits, planSeconds }) {
  if (!price) return '';
  if (price.amount === 0n) return say('plan_free', { credits: credits(planCredits ?? 0n) });
  const places = { price: money(price), time: planSeconds && time(planSeconds), credits: credits(planCredits ?? 0n) };
  return say(planSeconds ? 'plan_time' : 'plan_grant', places);
}

function held(offer) {
  if (offer.balance === 0n) return say('held_none');
  if (isShort(offer)) return say('held_short', { credits: credits(offer.balance) });
  return offer.planSeconds ? say('held_time') : say('held', { credits: credits(offer.balance) });
}

/** Shows the offer to confirm: the price, and the effect of the button. */
function render() {
  const offer = chosen();
  const here = payments.isLoggedIn;
  const price = credits(cost(offer));
  tell('lead', data.pass ? say('lead_pass', { credits: price, time: time(data.pass.seconds) }) : say('lead', { credits: price }));
  const places = { credits: price, plan: name(offer), price: offer.price ? money(offer.price) : '?', platform: data.site };
  let label = 'pay';
  let note = 'note_pay';
  if (!here) [label, note] = ['log_in', 'log_in_note'];
  else if (isShort(offer)) [label, note] = isFree(offer) ? ['buy_free', 'note_buy'] : ['buy', isCard(offer) ? 'note_card' : 'note_buy'];
  else places.left = credits(offer.balance - cost(offer));
  find('go').textContent = say(label, places);
  tell('note', offer.planSeconds && label === 'pay' ? '' : say(note, places));
  find('other').hidden = here;
  find('account').hidden = !here;
  find('whose').textContent = here ? say('logged_in', { account: short(payments.getAccountAddress()) }) : '';
}

/** One thing at a time; what goes wrong is told. */
async function act(what, focus) {
  if (busy) return;
  busy = true;
  find('go').setAttribute('aria-disabled', 'true');
  tell('problem');
  try {
    await what();
    focus?.focus();
  } catch (error) {
    await fail(error);
  } finally {
    busy = false;
    find('go').removeAttribute('aria-disabled');
  }
}

async function go() {
  if (!payments.isLoggedIn) {
    status('busy_login');
    await payments.connect({ mode: 'popup' });
    await look();
    return find('go').focus();
  }
  const offer = chosen();
  const lacks = isShort(offer);
  if (lacks && isCard(offer) && !isFree(offer)) {
    status('busy_checkout');
    await payments.plans.checkout(offer.planId, { mode: 'popup', min: cost(offer) });
    bought.push(name(offer));
  }
  status('busy_delegation');
  const delegationId = await delegate(offer);
  status(lacks && !isCard(offer) ? 'busy_order' : 'busy_pay', { plan: name(offer) });
  const paid = await payments.fetch(to, ASK, {
    select: (all) => all.find(({ planId, scheme }) => planId === offer.planId && scheme === offer.scheme),
    // The buyer agrees to the offer that was shown, not to a dearer one that arrived since.
    approve: (asked) => ({ approve: (asked.credits ?? 1n) <= cost(offer), purchase: lacks && !isCard(offer), delegationId }),
  });
  if (!paid.response.ok) {
    const said = await paid.response.json().catch(() => ({}));
    throw Object.assign(new Error(said.message ?? `HTTP ${paid.response.status}`), { code: said.code, spend: paid.spend });
  }
  status('busy_open');
  if (data.pass && (await passSeen())) {
    paid.response.body?.cancel().catch(() => {});
    if (data.to) location.reload();
    else location.replace(to);
    return;
  }
  status();
  await show(paid, to);
}

/** Makes a delegation so that a token can be minted. It can buy nothing. */
async function delegate({ planId, scheme }) {
  if (scheme === 'nvm:card-delegation') {
    const { delegations, cards } = await payments.delegation.getPurchasingPower();
    const stands = delegations.find(({ status, provider }) => status === 'Active' && provider !== 'erc4337');
    if (stands) return stands.delegationId;
    const card = cards.find(({ provider = 'stripe' }) => provider === 'stripe' || provider === 'braintree');
    if (card) {
      const { provider = 'stripe', id: providerPaymentMethodId } = card;
      return (await payments.delegation.createDelegation({ ...LIMIT, provider, providerPaymentMethodId, planId, currency: 'usd' })).delegationId;
    }
  }
  return (await payments.delegation.createDelegation({ ...LIMIT, provider: 'erc4337', planId, currency: 'usdc' })).delegationId;
}

/** True if the browser stored the pass. A browser may refuse cookies. */
async function passSeen() {
  try {
    const { passes } = await (await fetch(`${OWN}/passes`)).json();
    return passes.some(({ set }) => set === data.pass.set);
  } catch {
    return false;
  }
}

/** Shows an error, and the amount that was spent. */
async function fail(error) {
  status();
  // A person has no use for the number of a request.
  const hint = /correlationId/.test(error.hint) ? undefined : error.hint;
  const known = ['popup_blocked', 'popup_closed'].includes(error.code) ? [say(error.code)] : [error.message, hint].filter(Boolean);
  const sentences = [...known, ...spent(error.spend)].map((line) => (/[.!?…]$/.test(line) ? line : `${line}.`)).join(' ');
  const problem = find('problem');
  problem.replaceChildren(make('b', {}, say('trouble')), sentences);
  problem.hidden = false;
  find('form').hidden = false;
  if (offers.length === 0) for (const id of ['go', 'plans']) find(id).hidden = true;
  // The balance may have changed.
  if (offers.length > 0 && payments.isLoggedIn) await look().catch(() => {});
}

function spent(spend) {
  const lines = bought.map((plan) => say('spent_bought', { plan }));
  for (const { planId, confirmed } of spend?.purchases ?? []) {
    const offer = offers.find((one) => one.planId === planId);
    lines.push(say(confirmed ? 'spent_bought' : 'spent_bought_unknown', { plan: offer ? name(offer) : short(planId) }));
  }
  if (spend?.outcome === 'settled') lines.push(say('spent_some', { credits: credits(spend.creditsSettled ?? spend.creditsPresented) }));
  else if (spend?.outcome === 'unknown') lines.push(say('spent_unknown', { credits: credits(spend.creditsPresented) }));
  else if (lines.length === 0) lines.push(say('spent_none'));
  return lines;
}

function status(text, places) {
  const line = find('status');
  line.textContent = text ? say(text, places) : '';
  line.classList.toggle('busy', Boolean(text) && text !== 'back');
}
