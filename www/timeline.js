// The steps of one payment, as they happen. It shows what the package reports, in the order it
// reports it, and decides nothing.

import { el, find } from "./dom.js";
import { credits, milliseconds, short } from "./format.js";

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
  step.querySelector(".step-detail").textContent = DETAILS.order(event);
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
  refused: { title: "Refused", tone: "bad", chip: "402" },
  unknown: { title: "Outcome unknown", tone: "bad" },
};

const pathOf = (event) => (event.url ? new URL(event.url).pathname : undefined);

const DETAILS = {
  request: (e) => [pathOf(e), "without a token"].filter(Boolean).join(", "),
  offer: (e) => (e.credits === undefined ? "a plan of the seller" : credits(e.credits)),
  consent: (e) => (e.remembered ? "remembered" : "given"),
  delegation: (e) => e.detail,
  order: (e) => (e.state === "sent" ? "buying the plan" : ["plan bought", e.txHash && short(e.txHash)].filter(Boolean).join(", ")),
  mint: () => "access token for this plan",
  paid: (e) => [pathOf(e), "with the token"].filter(Boolean).join(", "),
  receipt: () => "settled, and the answer is here",
  refused: () => "by the service",
  unknown: () => "no receipt says whether the token was taken",
};
