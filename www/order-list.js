// Purchases made for an answer, as readable text.

import { short, terms } from "./format.js";

// The terms of the plans that somebody was shown, by plan.
const shown = new Map();

/** Remembers what a plan costs and gives. */
export function learn(planId, plan) {
  shown.set(planId, terms(plan));
}

/**
 * The purchases of one request: `{ name, price, cents, txHash, confirmed }` each. One that the platform did not confirm, such as
 * one that only the seller's receipt names, is in no sum.
 */
export function bought(spend) {
  return (spend?.purchases ?? []).map(({ planId, txHash, confirmed }) => {
    const known = shown.get(planId);
    const cents = confirmed ? (known?.cents ?? 0) : 0;
    return { name: known?.name ?? short(planId), price: known?.price ?? "its price", cents, txHash, confirmed };
  });
}
