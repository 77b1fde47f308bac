// The steps of one payment, as they happen. It shows what the package reports, in the order it
// reports it, and decides nothing.

import { el, find } from "./dom.js";
import { credits, milliseconds, network, short } from "./format.js";

/** A fresh timeline for one question. */
export function startTimeline(list = find("timeline")) {
  const started = performance.now();
  let waited = 0;
  let consented = false;
  let asked = false;
  let ordered;
  list.replaceChildren();
  find("wire-empty").hidden = true;
  find("wire-sum").textContent = "";

  return {
    /** A step of the package, or one of the page's own. */
    step(event) {
      // The page shows the click itself; the package's own word for it comes when all is prepared.
      if (event.type === "consent" && consented) return;
      const known = event.type === "offer" && !asked;
      if (event.type === "consent" && !event.approved) event = { ...event, remembered: true };
      consented ||= event.type === "consent";
      asked ||= event.type === "request";
      const look = LOOKS[event.type] ?? { title: event.type, tone: "plain" };
      const { title, tone, chip } = known ? LOOKS.known : look;
      const detail = DETAILS[event.type]?.(event);
      const at = performance.now() - started;
      if (event.type === "order" && ordered) return finishOrder(ordered, event, at);
      list.append(
        el("li", { class: `step tone-${tone}`, testid: `step-${event.type}`, "data-type": event.type },
          el("span", { class: "step-title" }, title, chip ? el("span", { class: `chip chip-${chip}` }, chip) : null),
          el("span", { class: "step-time mono" }, `+${milliseconds(at)}`),
          detail ? el("span", { class: "step-detail" }, detail) : null),
      );
      if (event.type === "order") ordered = list.lastElementChild;
    },
    /** Time that passed while a person was thinking, which is nobody's latency. */
    waited: (ms) => (waited += ms),
    finish(spend) {
      const trips = `${spend?.requests ?? 0} ${spend?.requests === 1 ? "request" : "requests"}`;
      const mints = `${spend?.mints ?? 0} ${spend?.mints === 1 ? "mint" : "mints"}`;
      find("wire-sum").textContent = `${trips} · ${mints} · ${milliseconds(performance.now() - started - waited)}`;
      find("wire-sum").title = waited > 0 ? `The ${milliseconds(waited)} of your own time are not counted.` : "";
    },
  };
}

// An order is told twice, when it goes out and when its credits are there: one step, that ends.
function finishOrder(step, event, at) {
  step.querySelector(".step-time").textContent = `+${milliseconds(at)}`;
  step.querySelector(".step-detail").textContent = DETAILS.order({ ...event, done: true });
}

const LOOKS = {
  request: { title: "Request", tone: "plain" },
  offer: { title: "Offer", tone: "due", chip: "402" },
  known: { title: "Known offer", tone: "plain" },
  consent: { title: "Consent", tone: "plain" },
  delegation: { title: "Delegation", tone: "plain" },
  order: { title: "Order", tone: "plain" },
  mint: { title: "Mint", tone: "plain" },
  paid: { title: "Paid request", tone: "paid" },
  receipt: { title: "Receipt", tone: "paid", chip: "200" },
  refused: { title: "Refused", tone: "bad" },
  unknown: { title: "Outcome unknown", tone: "bad" },
};

const pathOf = (event) => (event.url ? `${event.method ?? "GET"} ${new URL(event.url, location.href).pathname}` : undefined);

const DETAILS = {
  request: (e) => [pathOf(e), e.attached ?? e.withToken ? "token attached" : undefined].filter(Boolean).join(", ") || "sent bare",
  offer: (e) => {
    const offer = e.offer ?? e;
    return [offer.credits !== undefined ? credits(offer.credits) : "a plan", offer.network ? network(offer.network).name : undefined].filter(Boolean).join(" on ");
  },
  consent: (e) => {
    if (e.approved === false) return "declined";
    return e.remembered || e.by === "remembered" ? "remembered" : "given";
  },
  delegation: (e) => e.detail,
  order: (e) => (e.txHash ? `plan bought, ${short(e.txHash)}` : e.done ? "plan bought" : "buying the plan"),
  mint: () => "access token for this plan",
  paid: (e) => pathOf(e) ?? "sent again with the token",
  receipt: (e) => {
    const receipt = e.receipt ?? e;
    return receipt.creditsRedeemed !== undefined ? `${credits(receipt.creditsRedeemed)} redeemed` : short(receipt.transaction);
  },
  refused: (e) => e.code ?? e.message,
  unknown: () => "the connection ended after the token was sent",
};
