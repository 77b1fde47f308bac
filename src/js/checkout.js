// The way to a card checkout and back, in the calls that `payments.plans` has; and what may be spent in all.
import { POPUP, kept, openPopup, popupAnswer, problem, returnAddress, takeFromAddress } from './page.js';

/** Where it is kept what was being bought when this page was left. */
const PENDING = 'payments-wasm.checkout';
const TAB = 'sessionStorage';
/** How long a person may take to pay, and how long credits may take once the window is closed, in milliseconds. */
const PATIENCE = 15 * 60_000;
const GRACE = 15_000;

const cancelled = () => problem('checkout_cancelled', 'the checkout was cancelled');

export async function checkout(plans, planId, options, ownReturn) {
  const { mode = 'redirect', min, signal, onProgress, timeoutMs } = options ?? {};
  const popup = mode === 'popup' ? openPopup() : undefined;
  try {
    const back = returnAddress(options?.returnUrl ?? ownReturn, ['checkout', 'sessionId'], Boolean(popup));
    if (!back || !['redirect', 'popup'].includes(mode)) {
      throw problem('validation', 'mode must be redirect or popup, and returnUrl an http or https URL, with a popup of this origin');
    }
    // Credits that are there before the checkout do not say that it was paid.
    const least = min ?? (await plans.getPlanBalance(planId)).balance + 1n;
    const { result } = await plans.orderFiatPlan(planId);
    const link = new URL(returnAddress(result?.checkoutLink, [], false) ?? fail('garbled_answer', 'there is no checkout link'));
    const target = new URL(back);
    if (popup) target.searchParams.set(POPUP, '1');
    link.searchParams.set('returnUrl', target.href);
    if (signal?.aborted) throw signal.reason;
    if (popup) return await inPopup(plans, planId, popup, link.href, { min: least, signal, onProgress, timeoutMs: timeoutMs ?? PATIENCE });
    if (kept(TAB, PENDING, JSON.stringify({ planId: String(planId), min: String(least) })) === undefined) {
      fail('storage_unavailable', 'sessionStorage is needed to come back, and is not available');
    }
    location.assign(link);
    return undefined;
  } catch (error) {
    popup?.close();
    throw error;
  }
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

export async function checkoutReturned(plans, options) {
  const pending = JSON.parse(kept(TAB, PENDING) ?? 'null');
  if (!pending) return undefined;
  const done = () => kept(TAB, PENDING, null);
  if (takeFromAddress(['checkout', 'sessionId'])[0] === 'cancelled') {
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

/** Per currency: cents of one are not cents of another. */
export async function purchasingPower(delegation) {
  const options = { accessible: true };
  const [cards, { delegations = [] } = {}] = await Promise.all([delegation.listPaymentMethods(options), delegation.listDelegations(options)]);
  const byCurrency = {};
  for (const { status, currency, remainingBudgetCents } of delegations) {
    if (status === 'Active') byCurrency[currency] = (byCurrency[currency] ?? 0) + Number(remainingBudgetCents);
  }
  const [currency = 'usd'] = Object.keys(byCurrency);
  return { cards, delegations, totalRemainingBudgetCents: byCurrency[currency] ?? 0, currency, byCurrency };
}

function fail(code, message) {
  throw problem(code, message);
}
