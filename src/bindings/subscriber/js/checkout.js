// The ways to a card checkout and to the card pages and back, in the calls that the resources have. A file of its own, loaded when one of them is gone: `tools` are those of `page.js`.
import { hints } from './errors.json';

/** Where it is kept what was being bought when this page was left. */
const PENDING = 'payments-wasm.checkout';
const CARD = 'payments-wasm.card-state';
const TAB = 'sessionStorage';
/** How long credits may take, how long a person may take to pay, and how long credits may take once the window is closed, in milliseconds. */
const WAIT = 60_000;
const PATIENCE = 15 * 60_000;
const GRACE = 10_000;
/**
 * How long a window has to be closed, while its page is looked at, before nothing is expected of it: one that was elsewhere
 * before, and one that was not, whose page may have cut it off from us. In milliseconds.
 */
const GONE = 5000;
const CUT_OFF = 60_000;

export const journeys = ({ LOOK, WORDS, brought, kept, know, leaveFor, problem, returnAddress, takeFromAddress }) => {
  know({ hints });

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
      throw given ? cancelled() : problem('checkout_closed', 'the checkout was closed, and no credits have come');
    });
    try {
      return await Promise.race([credits, closed]);
    } finally {
      credits.catch(() => {});
      closed.catch(() => {});
      options.signal?.removeEventListener('abort', abort);
      stop.abort();
      popup.end();
    }
  }

  async function checkoutReturned(plans, options) {
    const returned = (brought.checkout ??= takePending());
    if (!returned) return undefined;
    if (returned.cancelled) throw cancelled();
    // Once they are there the answer stays what it was: credits may be spent since.
    if (returned.balance) return returned.balance;
    const done = () => kept(TAB, PENDING, null);
    try {
      returned.balance = await plans.waitForCredits(returned.planId, { ...options, min: returned.min });
      done();
      return returned.balance;
    } catch (error) {
      // Anything else may be better after a reload, or a login; a plan that there is not stays none.
      if (error.code === 'credits_timeout' || error.status === 404) done();
      throw error;
    }
  }

  /** The purchase that was pending when this page was left, if it can be read, and whether it was cancelled. */
  function takePending() {
    const text = kept(TAB, PENDING);
    if (text === undefined) return undefined;
    const values = takeFromAddress(WORDS);
    let pending;
    try {
      pending = JSON.parse(text);
    } catch {
      pending = undefined;
    }
    const { planId = '', min = '' } = pending ?? {};
    const readable = typeof planId === 'string' && /^[\w:-]{1,128}$/.test(planId) && /^\d{1,78}$/.test(min);
    if (!readable || values.checkout === 'cancelled') kept(TAB, PENDING, null);
    return readable ? { planId, min, cancelled: values.checkout === 'cancelled' } : undefined;
  }

  /** Opens a session for the card pages and goes there. */
  async function setupCard(delegation, { orgId, provider = 'stripe', paymentMethodId, signal }, { target, popup }) {
    const { sessionToken, isReturnUrlAllowed } = await delegation.ask('startSession', JSON.stringify({ orgId, returnUrl: target }));
    if (isReturnUrlAllowed === false) {
      throw problem('return_url_not_allowed', 'the card pages do not lead back there');
    }
    const state = crypto.randomUUID().replaceAll('-', '');
    const { embed, network } = await delegation.session.core();
    const url = new URL(`${embed}/cards/${paymentMethodId ? 'delegate' : 'setup'}`);
    // The network comes last, and chooses the platform that the page talks to.
    const query = { sessionToken, returnUrl: target, state, ...(paymentMethodId ? { paymentMethodId } : { provider }), network };
    Object.entries(query).forEach(([name, value]) => url.searchParams.set(name, value));
    if (popup) return card(await popupAnswer(popup, url.href, 'state', state, signal), state);
    keep(CARD, state);
    return leaveFor(url.href);
  }

  /** The result that a card page sent back, if there is one. */
  async function cardReturned() {
    // An application may have parameters of these names for itself: without a state of ours they are not looked at.
    const state = kept(TAB, CARD);
    const values = state && takeFromAddress(WORDS);
    if (values && Object.values(values).some(Boolean)) {
      kept(TAB, CARD, null);
      brought.card = { values, state };
    }
    return brought.card && card(brought.card.values, brought.card.state);
  }

  /** A planted id is as bad as a planted key: it says who pays. */
  function card({ paymentMethodId, delegationId, state: came }, state) {
    if (!state || came !== state) throw problem('card_state_mismatch', 'a card came back that this page did not ask for; it was not used');
    if (!paymentMethodId && !delegationId) throw problem('card_cancelled', 'no card was added');
    return { ...(paymentMethodId && { paymentMethodId }), ...(delegationId && { delegationId }) };
  }

  /** Until at least `min` credits are held. An abort ends it at once, whatever is under way. */
  async function waitForCredits(plans, { min = '1', signal, timeoutMs = WAIT, onProgress }, out, planId) {
    const least = BigInt(min);
    // By a clock that nobody sets.
    const deadline = performance.now() + timeoutMs;
    let stop;
    const stopped = new Promise((_, reject) => {
      stop = () => reject(problem('aborted', 'the request was aborted', undefined, { cause: signal.reason }));
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
        const pause = (await plans.session.core()).pause(times);
        if (performance.now() + pause > deadline) break;
        await Promise.race([new Promise((done) => { timer = setTimeout(done, pause); }), stopped]);
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
    throw problem('credits_timeout', 'the plan was ordered and its credits have not appeared yet', undefined, { retryable: true });
  }

  /**
   * Waits for a window's result, in which the parameter `name` equals `state`. `url` is its first address. A closed
   * flag proves nothing by itself: the window's page, or ours, may have cut the connection (COOP). A result with
   * another state is returned once the window is gone, so that the caller refuses it.
   */
  function popupAnswer(popup, url, name, state, signal) {
    let abort;
    const answer = new Promise((resolve, reject) => {
      let closed = 0;
      popup.look = () => {
        const right = popup.came.find((values) => !name || values[name] === state);
        if (right) return resolve(right);
        if (!popup.window.closed) closed = 0;
        // While somebody looks elsewhere it may be at that window.
        else if (document.hasFocus() || popup.came.length) closed += LOOK;
        if (closed > 10 * LOOK && popup.came.length) return resolve(popup.came[0]);
        if (closed > (popup.leftUs ? GONE : CUT_OFF)) reject(problem('popup_closed', 'the window was closed before it was done'));
      };
      abort = () => reject(signal.reason);
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort);
      if (url) popup.window.location.replace(url);
      popup.look();
    });
    const ended = answer.finally(() => {
      signal?.removeEventListener('abort', abort);
      popup.end();
    });
    ended.catch(() => {});
    return ended;
  }

  return { checkout, checkoutReturned, setupCard, cardReturned, waitForCredits, popupAnswer };
};
