// The quote of a question before it is paid, and the receipts as a file.

import { find } from "./dom.js";
import { cents, count, credits } from "./format.js";

/** The price of a request in one sentence. Asking costs nothing: the request goes out without a token. */
export async function priceOf(payments, url, init) {
  const { response, offers } = await payments.quote(url, init);
  await response.body?.cancel();
  const [offer] = offers;
  if (!offer) return response.status === 402 ? "The service asks for something that cannot be paid here." : "Nothing.";
  const asked = offer.credits === undefined ? "Credits" : credits(offer.credits);
  if (offer.payable === "now") return `${asked}, of the ${count(offer.balance)} that you hold.`;
  const held = offer.balance === undefined ? "" : ` You hold ${count(offer.balance)}.`;
  return `${asked}.${held} ${planLine(offer)}`;
}

function planLine({ planName, planCredits, price }) {
  if (!price || planCredits === undefined) return "";
  const amount = price.amount === 0n ? "nothing" : cents(Number(price.amount / 10_000n), price.currency);
  return `${planName ?? "The plan"}: ${amount} for ${count(planCredits)}.`;
}

let file;

/** Offers what was paid for since the page was loaded, as a file. */
export function offerReceipts(payments) {
  const { receipts } = payments.spend;
  find("books").hidden = receipts.length === 0;
  if (file) URL.revokeObjectURL(file);
  file = URL.createObjectURL(new Blob([payments.exportReceipts("csv")], { type: "text/csv" }));
  find("receipts").href = file;
  find("books-note").textContent = `${receipts.length} ${receipts.length === 1 ? "payment" : "payments"}, CSV`;
}
