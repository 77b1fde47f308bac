// The 402 as a question to a person. One dialog, three endings: pay, buy and pay, or log in first.

import { announce, find, el, tell } from "./dom.js";
import { cents, count, credits, network, short, terms } from "./format.js";
import { delegation, keepDelegation } from "./session.js";

const LIMIT_CENTS = 2000;
const WEEK_SECS = 7 * 24 * 60 * 60;

/**
 * Shows an offer of a seller and resolves to what the person decided.
 *
 * `step` is told what the page does on the way (making the delegation), and how long a person took.
 */
export async function askConsent({ payments, offer, plan, balance, signal, step, waited }) {
  const account = payments.getAccountAddress();
  const asked = offer.credits === undefined ? undefined : BigInt(offer.credits);
  const deal = { ...terms(plan), asked, has: BigInt(balance.balance) };
  deal.short = deal.has < (deal.asked ?? 1n);
  deal.held = delegation(account);
  // A plan that costs more than the usual limit still has to fit into the delegation that buys it.
  deal.limitCents = Math.max(LIMIT_CENTS, deal.cents);

  fillOffer(offer, deal);
  fillTerms(deal);
  const choice = await openDialog({
    signal,
    waited,
    // The delegation is made while the dialog is still open, so that a failure can be told in it.
    async approve() {
      step({ type: "consent", approved: true });
      const held = delegation(account) ?? (await createDelegation(payments, account, deal, step));
      return { approve: true, purchase: deal.short, remember: find("remember").checked, delegationId: held.delegationId };
    },
  });
  return choice ?? false;
}

/** Shows an offer to somebody who is not logged in. Resolves to true when they want to log in. */
export async function askLogin({ offer, waited, signal }) {
  fillOffer(offer, {});
  tell(find("offer-note"), "To pay, log in with the platform that holds your credits. Your question will still be here when you come back.");
  tell(find("offer-delegation"));
  find("remember-row").hidden = true;
  setAction("Log in to continue");
  return (await openDialog({ signal, waited, approve: async () => true })) ?? false;
}

async function createDelegation(payments, account, deal, step) {
  const { delegationId } = await payments.delegation.createDelegation({
    provider: "erc4337", spendingLimitCents: deal.limitCents, durationSecs: WEEK_SECS, currency: "usdc",
  });
  const made = { account, delegationId, limitCents: deal.limitCents, expiresAt: Date.now() + WEEK_SECS * 1000 };
  keepDelegation(made);
  step({ type: "delegation", detail: `${cents(made.limitCents)} for 7 days, ${short(delegationId)}` });
  return made;
}

// --- what the dialog says ------------------------------------------------------------------------

function fillOffer(offer, deal) {
  const { name, id } = network(offer.network);
  const asked = offer.credits === undefined ? "payment" : credits(offer.credits);
  find("offer-title").textContent = `${new URL(offer.url).host} asks ${offer.credits === undefined ? "for payment" : `for ${asked}`}`;
  find("offer-status").textContent = offer.remembered ? "Known from an earlier answer, not sent yet" : "Payment Required";
  tell(find("offer-what"), offer.resource?.description);
  find("offer-resource").textContent = new URL(offer.url).pathname;
  find("offer-resource").title = offer.url;
  find("offer-credits").textContent = asked;
  find("offer-network").replaceChildren(name, ...(id ? [" ", el("small", { class: "mono" }, id)] : []), el("small", { class: "scheme mono" }, offer.scheme));
  find("offer-plan").replaceChildren(deal.name ?? "", deal.name ? " " : "", el("small", { class: "mono", title: offer.planId }, short(offer.planId)));
  find("offer-price").textContent = deal.price ? priceLine(deal) : "";
  find("offer-price").parentElement.hidden = !deal.price;
  find("offer-balance").parentElement.hidden = deal.has === undefined;
  tell(find("offer-problem"));
}

function fillTerms(deal) {
  const asked = deal.asked ?? 0n;
  const after = deal.has + (deal.short ? (deal.granted ?? asked) : 0n) - asked;
  find("offer-balance").replaceChildren(credits(deal.has), el("small", {}, after >= 0n ? `, ${count(after)} after this` : ""));
  find("offer-balance").parentElement.classList.toggle("term-short", deal.short);
  tell(find("offer-note"), deal.short ? `Your balance is too low, so the plan is bought first, for ${deal.price}.` : undefined);
  const limit = cents(deal.held?.limitCents ?? deal.limitCents);
  tell(find("offer-delegation"), deal.held
    ? `Under the delegation made here: this page may spend up to ${limit} until ${new Date(deal.held.expiresAt).toLocaleDateString("en-GB", { day: "numeric", month: "long" })}.`
    : `Makes a delegation that lets this page spend up to ${limit} for 7 days. It stays in this tab.`);
  find("remember-row").hidden = false;
  const pay = deal.asked === undefined ? "pay" : `pay ${credits(deal.asked)}`;
  setAction(deal.short ? `Buy ${deal.name} for ${deal.price} and ${pay}` : `${pay[0].toUpperCase()}${pay.slice(1)}`);
}

function priceLine(deal) {
  return deal.granted === undefined ? deal.price : `${deal.price} for ${credits(deal.granted)}`;
}

const setAction = (label) => (find("approve").textContent = label);

// --- the dialog itself ---------------------------------------------------------------------------

// Opens the dialog and waits. Resolves to what `approve` made, or nothing when the person said no.
function openDialog({ approve, signal, waited }) {
  const dialog = find("consent");
  const form = find("consent-form");
  const buttons = [find("approve"), find("cancel")];
  const shown = performance.now();
  find("remember").checked = false;
  dialog.showModal();
  announce(find("offer-title").textContent);
  return new Promise((resolve) => {
    const listening = new AbortController();
    const end = (result) => {
      listening.abort();
      waited?.(performance.now() - shown);
      if (dialog.open) dialog.close();
      resolve(result);
    };
    const options = { signal: listening.signal };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (event.submitter?.value !== "approve") return end();
      for (const button of buttons) button.disabled = true;
      dialog.setAttribute("aria-busy", "true");
      try {
        end(await approve());
      } catch (error) {
        tell(find("offer-problem"), [error.message, error.hint].filter(Boolean).join(" "));
      } finally {
        dialog.removeAttribute("aria-busy");
        for (const button of buttons) button.disabled = false;
      }
    }, options);
    dialog.addEventListener("close", () => end(), options);
    signal?.addEventListener("abort", () => end(), options);
  });
}
