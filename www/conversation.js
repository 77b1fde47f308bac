// One question and what became of it: the answer and its receipt, or an error told to a person.

import { announce, el, find, tell } from "./dom.js";
import { count, credits, network, short } from "./format.js";

/** Puts a new exchange on top of the page; `again` asks the same question once more. */
export function newExchange(question, again) {
  const node = document.getElementById("exchange-template").content.cloneNode(true).querySelector("article");
  const part = (id) => find(id, node);
  part("asked").textContent = question;
  part("retry").hidden = !again;
  part("retry").addEventListener("click", () => {
    node.remove();
    again();
  });
  find("exchanges").prepend(node);

  return {
    answer(body) {
      part("answer").textContent = body.answer;
      showWorking(part("working"), body);
    },
    text: () => part("answer").textContent,
    streaming: (on) => {
      node.classList.toggle("streaming", on);
      part("answer").setAttribute("aria-busy", String(on));
    },
    word: (text) => part("answer").append(el("span", { class: "word" }, text)),
    streamed: (body) => showWorking(part("working"), body),
    receipt(receipt, bought) {
      if (receipt) showReceipt(part("receipt"), receipt, bought);
    },
    fail(error, spend, bought) {
      part("error").hidden = false;
      const code = typeof error.code === "string" ? error.code : (CODES[error.name] ?? error.name);
      const { message, hint } = PLAIN[code] ?? error;
      part("error").classList.toggle("chosen", CHOSEN.has(code));
      part("error-message").textContent = sentence(message);
      tell(part("error-hint"), hint && sentence(hint));
      tell(part("error-spent"), spentSentence(spend, bought));
      part("error-code").textContent = [code, error.correlationId].filter(Boolean).join(" · ");
      announce(sentence(message));
    },
  };
}

// How the service came to its answer, and who it was told has paid for it.
function showWorking(list, { kind, working = [], paidBy }) {
  const payer = paidBy ? `served to ${short(paidBy.payer)}` : undefined;
  const lines = [...working, payer].filter(Boolean).map((line) => el("li", { class: "mono" }, line));
  list.replaceChildren(el("li", { class: "kind" }, kind), ...lines);
  list.hidden = false;
}

function showReceipt(section, receipt, bought) {
  const row = (label, value, testid, title) => (value === undefined ? [] : [el("div", {}, el("dt", {}, label), el("dd", { testid, title }, value))]);
  const verdict = receipt.success ? "Paid and settled" : `Delivered, not settled${receipt.errorReason ? `: ${receipt.errorReason}` : ""}`;
  section.replaceChildren(
    el("p", { class: "receipt-head" }, el("span", { class: "chip chip-200" }, "200"), ` ${verdict}`),
    el("dl", {},
      ...row("Credits redeemed", receipt.creditsRedeemed === undefined ? undefined : count(receipt.creditsRedeemed), "receipt-credits"),
      ...row("Balance left", receipt.remainingBalance === undefined ? undefined : credits(receipt.remainingBalance), "receipt-balance"),
      ...bought.flatMap(({ name, price, txHash, confirmed }) => row("Bought", `${name}, ${price}${confirmed ? "" : ", not confirmed"}`, "receipt-bought", txHash)),
      ...row("Payer", receipt.payer ? short(receipt.payer) : undefined, "receipt-payer", receipt.payer),
      ...row("Network", network(receipt.network).name, "receipt-network", receipt.network),
      ...row("Transaction", short(receipt.transaction, 10, 6), "receipt-transaction", receipt.transaction),
    ),
  );
  section.hidden = false;
}

/** A sentence about the spent amount. A request that may have cost something is never called free. */
function spentSentence(spend, bought = []) {
  if (!spend) return undefined;
  const parts = bought.map(({ name, price, confirmed }) =>
    confirmed ? `the plan ${name} was bought for ${price}` : `it is not known whether the plan ${name} was bought for ${price}`);
  if (spend.outcome === "settled") parts.push(`${credits(spend.creditsSettled ?? spend.creditsPresented ?? 0n)} were paid`);
  if (spend.outcome === "unknown") parts.push(`it is not known whether ${credits(spend.creditsPresented ?? 0n)} were taken`);
  return parts.length ? sentence(parts.join(", and ")) : "Nothing was spent.";
}

// Errors of the browser itself, and ends that somebody chose.
const CODES = { AbortError: "aborted" };
const CHOSEN = new Set(["consent_denied", "aborted"]);

// User-level texts for errors whose package texts address the page's author.
const PLAIN = {
  consent_denied: { message: "You declined, so the question was not asked." },
  aborted: { message: "You stopped it." },
  network_error: { message: "The service could not be reached.", hint: "Check that it is running, then try again." },
  outcome_unknown: { message: "The connection ended before the answer came.", hint: "Look at your balance before you ask again." },
};

function sentence(text) {
  const whole = text.trim();
  return `${whole.slice(0, 1).toUpperCase()}${whole.slice(1)}${/[.!?…]$/.test(whole) ? "" : "."}`;
}
