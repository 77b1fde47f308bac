// The page's part: address bar, storage, the way elsewhere, windows of our own; and what an `approve` callback is given.
import { PaymentsError } from './error.js';

/** The query parameter that says: this window was opened by another page of ours, and brings it something. */
const POPUP = 'nvmPopup';

/** What the checkout and card pages add to the address that they lead back to. */
const WORDS = 'checkout sessionId paymentMethodId delegationId state error';

/** Reads query parameters out of the address bar and takes them away, keeping all others and the hash. */
export function takeFromAddress(words) {
  const { location, history } = globalThis;
  if (!location?.href || !history) return undefined;
  const url = new URL(location.href);
  const names = words.split(' ').filter((name) => url.searchParams.has(name));
  const values = Object.fromEntries(names.map((name) => [name, url.searchParams.get(name)]));
  if (names.length > 0) history.replaceState(history.state, '', without(url, names));
  return values;
}

/** A URL for a person to come back to: absolute, http or https, without the named parameters; of `own` origin, if need be. */
export function returnAddress(text, words, own) {
  const url = parse(text, location.href);
  return url && /^https?:$/.test(url.protocol) && !(own && url.origin !== location.origin) ? without(url, words.split(' ')) : undefined;
}

/** What is kept under a name in `sessionStorage` or `localStorage`; with a value, keeps it; with null, forgets it. */
export function kept(storage, name, value) {
  try {
    if (value === undefined) return globalThis[storage].getItem(name) ?? undefined;
    if (value === null) globalThis[storage].removeItem(name);
    else globalThis[storage].setItem(name, value);
    return value;
  } catch {
    // Forbidden or full.
    return undefined;
  }
}

/** Hears what other tabs put under a name in `localStorage`: a text, or nothing. */
export function onKept(name, listener) {
  addEventListener('storage', ({ key, newValue, storageArea }) => {
    // Without a key, all of it was cleared.
    if ((key === name || key === null) && storageArea === localStorage) listener(newValue ?? undefined);
  });
}

export const places = (own, embed, network) => ({ own, embed, network });

export function leaveFor(url) {
  location.assign(url);
}

/**
 * In a window that was opened by a page of ours: gives that page what the address brings, takes all of it out of the
 * address, and closes. The browser delivers it to a page of our own origin and to no other.
 */
export function handOver() {
  const { location, history, opener } = globalThis;
  const query = location?.href && new URL(location.href).searchParams;
  if (!opener || !query?.has(POPUP)) return false;
  const names = [...query.keys()];
  history.replaceState(history.state, '', without(new URL(location.href), names));
  opener.postMessage({ [POPUP]: Object.fromEntries(query) }, location.origin);
  close();
  return true;
}

/** A window of our own, opened while the click still counts. */
export function openPopup(url) {
  const popup = open(url ?? '', '', 'popup,width=480,height=720');
  if (!popup) throw problem('popup_blocked', 'the browser did not open a window', 'call this from a click, or use the redirect');
  return popup;
}

/** What a window brings back; see `journeys.js`. */
export async function popupAnswer(...given) {
  return (await ways()).popupAnswer(...given);
}

/** An instance, once its budget has been taken up; see `ledger.js`. */
export async function withBudget(payments, core, budget) {
  await (await import('./ledger.js')).keepBudget(core, budget, problem);
  return payments;
}

/** The longer ways, which a page loads when it goes one. */
export const ways = async () => (await import('./journeys.js')).journeys(tools);

/** An error of the page's own. */
function problem(code, message, hint, facts) {
  return new PaymentsError(message, { code, retryable: false, ...(hint && { hint }), ...facts });
}

function without(url, names) {
  names.forEach((name) => url.searchParams.delete(name));
  return url.href;
}

/** Where a checkout or card page leads back to, and the window for it, if it is to be one. */
export function leave(core, { mode = 'redirect', returnUrl } = {}) {
  const { own } = core.places();
  if (!own) throw problem('browser_only', 'this needs a page');
  const inPopup = mode === 'popup';
  const back = returnAddress(returnUrl ?? own, WORDS, inPopup);
  if (!back || !(inPopup || mode === 'redirect')) {
    throw problem('validation', 'mode must be redirect or popup, and returnUrl an http or https URL, with a popup of this origin');
  }
  const target = new URL(back);
  if (inPopup) target.searchParams.set(POPUP, '1');
  return { target: target.href, popup: inPopup ? openPopup() : undefined };
}

/** What `journeys.js` goes its ways with. */
const tools = { POPUP, WORDS, kept, leaveFor, problem, returnAddress, takeFromAddress };

/** What an `approve` callback may look at before it answers. */
export function consentContext(plans, planId, kept) {
  return { signal: kept.open(), plan: () => plans.ask('getPlan', [planId]), balance: () => plans.getPlanBalance(planId) };
}

function parse(url, base) {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}
