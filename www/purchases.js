// What was bought on the way to an answer, as a person reads it.

import { short, terms } from "./format.js";

// The terms of the plans that somebody was shown, by plan.
const shown = new Map();

/** Remembers what a plan costs and gives. */
export function learn(planId, plan) {
  shown.set(planId, terms(plan));
}

/**
 * The purchases of one request: `{ name, price, cents, txHash, confirmed }` each. Those that the page ordered, and
 * one that the platform made while settling, which the receipt names.
 */
export function bought(spend, planId) {
  const toppedUp = spend?.receipt?.orderTx ? [{ planId, txHash: spend.receipt.orderTx }] : [];
  return [...(spend?.purchases ?? []), ...toppedUp].map(({ planId, txHash, confirmed = true }) => {
    const known = shown.get(planId);
    const cents = confirmed ? (known?.cents ?? 0) : 0;
    return { name: known?.name ?? short(planId), price: known?.price ?? "its price", cents, txHash, confirmed };
  });
}
