// Popup windows of login, checkout and card pages: opens them, watches them, and hands over what they bring.
import { without } from './address.js';
import { problem } from './error.js';

/** The query parameter that says: this window was opened by another page of ours, and brings it something. */
export const POPUP = 'nvmPopup';

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
export const LOOK = 20;

/** The channel between a page and the window that it opened; only these two know its name. */
function channelOf(id) {
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
