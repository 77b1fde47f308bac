// The page's part: address bar, storage, the way elsewhere, windows of our own.
import { problem } from './error.js';
import { lazily } from './lazy.js';
import { know } from './options.js';

/** The query parameter that says: this window was opened by another page of ours, and brings it something. */
export const POPUP = 'nvmPopup';

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

/**
 * In a window that was opened by a page of ours: gives that page what the address brings, takes all of it out of the
 * address, and closes. The browser delivers it to pages of our own origin and to no other.
 *
 * A policy of the page (Cross-Origin-Opener-Policy) may have cut the window off from the page that opened it. That page hears
 * it all the same, on a channel whose name the two of them know, and the window closes once it has been heard.
 */
export function handOver() {
  const { location, history, opener } = globalThis;
  const query = location?.href && new URL(location.href).searchParams;
  const id = query && query.get(POPUP);
  if (!id) return;
  const values = Object.fromEntries(query);
  history.replaceState(history.state, '', without(new URL(location.href), [...query.keys()]));
  const message = { [POPUP]: values };
  opener?.postMessage(message, location.origin);
  const channel = channelOf(id);
  if (channel) {
    const again = setInterval(() => channel.postMessage(message), 200);
    const stop = () => {
      clearInterval(again);
      channel.close();
    };
    channel.postMessage(message);
    channel.onmessage = ({ data }) => {
      if (data !== HEARD) return;
      stop();
      close();
    };
    setTimeout(stop, 10_000);
  }
  if (opener) close();
}

/** The page's answer on the channel, and the interval at which a window is checked, in milliseconds. */
const HEARD = 'heard';
const LOOK = 20;

/** The channel between a page and the window that it opened; only these two know its name. */
export function channelOf(id) {
  try {
    return new BroadcastChannel(`payments-wasm.${id}`);
  } catch {
    // An old browser, or one that has none for this page.
    return undefined;
  }
}

/** A window of our own, opened while the click still counts; `id` is what the address that it comes back to carries. */
export function openPopup(id, url) {
  const popup = open(url ?? '', '', 'popup,width=480,height=720');
  if (!popup) throw problem('popup_blocked', 'the browser did not open a window');
  return watched(popup, id);
}

/**
 * A window as it is seen from here, and what it has brought. Once its page comes from elsewhere it may be cut off from us, and
 * then says that it is closed: `leftUs` is whether it was seen elsewhere before that.
 */
function watched(window, id) {
  const popup = { window, leftUs: false, came: [], look: undefined, end };
  const hear = (message) => {
    const values = message?.[POPUP];
    if (values) popup.came.push(values);
    popup.look?.();
    return values;
  };
  const listen = ({ origin, data }) => origin === location.origin && hear(data);
  const channel = channelOf(id);
  if (channel) channel.onmessage = ({ data }) => hear(data) && channel.postMessage(HEARD);
  addEventListener('message', listen);
  const timer = setInterval(() => {
    popup.leftUs ||= !window.closed && isElsewhere(window);
    popup.look?.();
  }, LOOK);
  function end() {
    clearInterval(timer);
    removeEventListener('message', listen);
    channel?.close();
    window.close();
  }
  return popup;
}

function isElsewhere(window) {
  try {
    return window.location.href !== 'about:blank';
  } catch {
    return true;
  }
}

/** The result of a window; see `checkout.js`. */
export async function popupAnswer(...given) {
  return (await ways()).popupAnswer(...given);
}

/** The longer ways, which a page loads when it goes one. */
export const ways = async () => (await lazily(() => import('./checkout.js'))).journeys(tools);

function without(url, names) {
  names.forEach((name) => url.searchParams.delete(name));
  return url.href;
}

/** Where a checkout or card page leads back to, and the window for it, if it is to be one. */
export function leave(session, { mode = 'redirect', returnUrl }, id) {
  const own = session.returnUrl;
  if (!own) throw problem('browser_only', 'this needs a page', 'make the instance with Payments.getBrowserInstance, in a page');
  const inPopup = mode === 'popup';
  const back = returnAddress(returnUrl ?? own, WORDS, inPopup);
  if (!back) throw problem('validation', 'returnUrl must be an http or https URL, with a popup of this origin');
  const target = new URL(back);
  if (inPopup) target.searchParams.set(POPUP, id);
  return { target: target.href, popup: inPopup ? openPopup(id) : undefined };
}

/** The helpers that `checkout.js` uses. */
const tools = { LOOK, WORDS, brought, kept, know, leaveFor, problem, returnAddress, takeFromAddress };

function parse(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
