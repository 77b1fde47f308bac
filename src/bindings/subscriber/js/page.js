// The page's part: storage, and the way to the pages of checkout and cards and back.
import { returnAddress, takeFromAddress } from './address.js';
import { problem } from './error.js';
import { lazily } from './lazy.js';
import { know } from './options.js';
import { LOOK, POPUP, openPopup } from './popup.js';

/** The parameters that checkout and card pages add to the return address. */
const WORDS = 'checkout sessionId paymentMethodId delegationId state error';

/** The parameters that a login adds to the return address: the key, its account, and our one-time state. */
export const KEY = 'nvmApiKey';
export const ACCOUNT = 'accountAddress';
export const STATE = 'nvmState';
export const PARAMETERS = `${KEY} ${ACCOUNT} ${STATE} ${POPUP}`;

/** Survives going to another page and coming back, and no longer than the tab; shared by the tabs of an origin. */
export const TAB = 'sessionStorage';
export const LOCAL = 'localStorage';

/** Results that arrived with this page load, from a login, a checkout or a card page. Every caller gets the same
 * result. */
export const brought = { login: undefined, checkout: undefined, card: undefined };

export const onlyInAPage = (what) => problem('browser_only', `${what} needs a page`);

/** Reads a name in `sessionStorage` or `localStorage`; with a value, stores it; with null, removes it. */
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

export function leaveFor(url) {
  location.assign(url);
}

/** The result of a window; see `checkout.js`. */
export async function popupAnswer(...given) {
  return (await ways()).popupAnswer(...given);
}

/** The longer ways, which a page loads when it goes one. */
export const ways = async () => (await lazily(() => import('./checkout.js'))).journeys(tools);

/** Where a checkout or card page leads back to, and the window for it, if it is to be one. */
export function leave(session, { mode = 'redirect', returnUrl }, id) {
  const own = session.returnUrl;
  if (!own) throw problem('browser_only', 'this needs a page', 'use Payments.getBrowserInstance, in a page');
  const inPopup = mode === 'popup';
  const back = returnAddress(returnUrl ?? own, WORDS, inPopup);
  if (!back) throw problem('validation', 'returnUrl must be an http or https URL, with a popup of this origin');
  const target = new URL(back);
  if (inPopup) target.searchParams.set(POPUP, id);
  return { target: target.href, popup: inPopup ? openPopup(id) : undefined };
}

/** The helpers that `checkout.js` uses. */
const tools = { LOOK, WORDS, brought, kept, know, leaveFor, problem, returnAddress, takeFromAddress };
