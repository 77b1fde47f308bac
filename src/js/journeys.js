// The ways to a card checkout and to the card pages and back, in the calls that the resources have; and what may be spent
// in all. A file of its own, loaded when one of them is gone: `tools` are those of `page.js`.
import { purchasingPower } from './power.js';

/** Where it is kept what was being bought when this page was left. */
const PENDING = 'payments-wasm.checkout';
const CARD = 'payments-wasm.card-state';
const TAB = 'sessionStorage';
/** How long credits may take, how long a person may take to pay, and how long credits may take once the window is closed, in milliseconds. */
const WAIT = 60_000;
const PATIENCE = 15 * 60_000;
const GRACE = 15_000;

export const journeys = ({ POPUP, WORDS, kept, leaveFor, problem, returnAddress, takeFromAddress }) => {
  const cancelled = () => problem('checkout_cancelled', 'the checkout was cancelled');

  function keep(name, value) {
    if (kept(TAB, name, value) === undefined) throw problem('storage_unavailable', 'sessionStorage is needed to come back, and is not available');
  }

  async function checkout(plans, { min, signal, onProgress, timeoutMs }, { target, popup }, planId) {
    // Credits that are there before the checkout do not say that it was paid.
    const least = min ?? (await plans.getPlanBalance(planId)).balance + 1n;
    const { result } = await plans.orderFiatPlan(planId);
    const checked = returnAddress(result?.checkoutLink, '');
    if (!checked) throw problem('garbled_answer', 'there is no checkout link');
    const link = new URL(checked);
    link.searchParams.set('returnUrl', target);
    signal?.throwIfAborted();
    if (popup) return await inPopup(plans, planId, popup, link.href, { min: least, signal, onProgress, timeoutMs: timeoutMs ?? PATIENCE });
    keep(PENDING, JSON.stringify({ planId: String(planId), min: String(least) }));
    return leaveFor(link.href);
  }

  /** Credits say that it was paid. That the window was closed says nothing: they may be on their way. */
  async function inPopup(plans, planId, popup, url, options) {
    const stop = new AbortController();
    const abort = () => stop.abort(options.signal.reason);
    options.signal?.addEventListener('abort', abort);
    const credits = plans.waitForCredits(planId, { ...options, signal: stop.signal });
    const closed = popupAnswer(popup, url, '', '', stop.signal).then(
      ({ checkout }) => checkout === 'cancelled',
      () => false,
    ).then(async (given) => {
      if (!given) await new Promise((done) => setTimeout(done, GRACE));
      throw given ? cancelled() : problem('checkout_closed', 'the checkout was closed, and no credits have come', 'plans.waitForCredits may still see them');
    });
    try {
      return await Promise.race([credits, closed]);
    } finally {
      credits.catch(() => {});
      closed.catch(() => {});
      options.signal?.removeEventListener('abort', abort);
      stop.abort();
      popup.close();
    }
  }

  async function checkoutReturned(plans, options) {
    const pending = JSON.parse(kept(TAB, PENDING) ?? 'null');
    if (!pending) return undefined;
    const done = () => kept(TAB, PENDING, null);
    if (takeFromAddress(WORDS).checkout === 'cancelled') {
      done();
      throw cancelled();
    }
    try {
      const balance = await plans.waitForCredits(pending.planId, { ...options, min: pending.min });
      done();
      return balance;
    } catch (error) {
      // Anything else may be better after a reload, or a login.
      if (error.code === 'credits_timeout') done();
      throw error;
    }
  }

  /** Opens a session for the card pages and goes there. */
  async function setupCard(delegation, { orgId, provider = 'stripe', paymentMethodId, signal }, { target, popup }) {
    const { sessionToken, isReturnUrlAllowed } = await delegation.ask('startSession', JSON.stringify({ orgId, returnUrl: target }));
    if (isReturnUrlAllowed === false) {
      throw problem('return_url_not_allowed', 'the card pages do not lead back there',
        "a session of one's own leads back to localhost, 127.0.0.1 or [::1] only");
    }
    const state = crypto.randomUUID().replaceAll('-', '');
    const { embed, network } = delegation.core.places();
    const url = new URL(`${embed}/cards/${paymentMethodId ? 'delegate' : 'setup'}`);
    // The network comes last, and chooses the platform that the page talks to.
    const query = { sessionToken, returnUrl: target, state, ...(paymentMethodId ? { paymentMethodId } : { provider }), network };
    Object.entries(query).forEach(([name, value]) => url.searchParams.set(name, value));
    if (popup) return card(await popupAnswer(popup, url.href, 'state', state, signal), state);
    keep(CARD, state);
    return leaveFor(url.href);
  }

  /** What a card page that was gone to has sent back, if it has. */
  async function cardReturned() {
    // An application may have parameters of these names for itself: without a state of ours they are not looked at.
    const state = kept(TAB, CARD);
    const values = state && takeFromAddress(WORDS);
    if (!values || !Object.values(values).some(Boolean)) return undefined;
    kept(TAB, CARD, null);
    return card(values, state);
  }

  /** A planted id is as bad as a planted key: it says who pays. */
  function card({ paymentMethodId, delegationId, state: came }, state) {
    if (!state || came !== state) throw problem('card_state_mismatch', 'a card came back that this page did not ask for; it was not used');
    if (!paymentMethodId && !delegationId) throw problem('card_cancelled', 'no card was added');
    return { ...(paymentMethodId && { paymentMethodId }), ...(delegationId && { delegationId }) };
  }

  /** Until at least `min` credits are held. An abort ends it at once, whatever is under way. */
  async function waitForCredits(plans, { min = 1n, signal, timeoutMs = WAIT, onProgress }, out, planId) {
    const least = whole(min, 'min');
    const deadline = Date.now() + timeoutMs;
    if (!(timeoutMs > 0)) throw problem('validation', 'timeoutMs must be a number of milliseconds above zero');
    let stop;
    const stopped = new Promise((_, reject) => {
      stop = () => reject(aborted(signal.reason));
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop);
    });
    stopped.catch(() => {});
    let timer;
    try {
      for (let times = 0; ; times += 1) {
        const balance = await Promise.race([plans.getPlanBalance(planId), stopped]);
        if (balance.balance >= least) return balance;
        try {
          onProgress?.(balance);
        } catch {
          // A listener that throws does not end the waiting.
        }
        const pause = plans.core.pause(times);
        if (Date.now() + pause > deadline) break;
        await Promise.race([new Promise((done) => { timer = setTimeout(done, pause); }), stopped]);
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
    throw problem('credits_timeout', 'the plan was ordered and its credits have not appeared yet', 'check the balance before ordering again', { retryable: true });
  }

  function whole(value, name) {
    try {
      return BigInt(value);
    } catch {
      throw problem('validation', `${name} must be a whole number of credits: a bigint, a decimal string or a number`);
    }
  }

  const aborted = (cause) => problem('aborted', 'the request was aborted', undefined, { cause });

  /**
   * What a window brings back, in which the parameter `name` is `state`: only from our own origin. `url` is where it goes
   * first; an empty one closes it. Once it is closed what it brought with another state stands, for the core to refuse.
   */
  function popupAnswer(popup, url, name, state, signal) {
    let stop;
    const answer = new Promise((resolve, reject) => {
      let other;
      let closed = 0;
      const listen = ({ origin, data }) => {
        const values = origin === location.origin ? data?.[POPUP] : undefined;
        if (!values) return;
        if (!name || values[name] === state) resolve(values);
        else other = values;
      };
      // A message may still be on its way when the window is gone already.
      const watch = setInterval(() => {
        if (popup.closed && ++closed > 2) {
          if (other) resolve(other);
          else reject(problem('popup_closed', 'the window was closed before it was done'));
        }
      }, 100);
      const abort = () => reject(signal.reason);
      stop = () => {
        clearInterval(watch);
        removeEventListener('message', listen);
        signal?.removeEventListener('abort', abort);
        popup.close();
      };
      addEventListener('message', listen);
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
      if (url === '') reject();
      else if (url) popup.location.replace(url);
    });
    const ended = answer.finally(stop);
    ended.catch(() => {});
    return ended;
  }

  return { checkout, checkoutReturned, setupCard, cardReturned, purchasingPower, waitForCredits, popupAnswer };
};
