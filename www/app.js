// The agent console: one question at a time, each paid for with `payments.fetch`.
//
// All of the protocol is in the package. What is here is a page: who is logged in, what a person is
// asked and what they see.

import { offerReceipts, priceOf } from "./export.js";
import { askConsent, askLogin } from "./consent.js";
import { announce, find } from "./dom.js";
import { newExchange } from "./conversation.js";
import { cents, count, short } from "./format.js";
import { bought, learn } from "./order-list.js";
import { addToTally, dropDelegation, forgetAll, pending, tally } from "./session.js";
import { serverSentEvents } from "./sse.js";
import { startTimeline } from "./timeline.js";

const form = find("ask-form");
const box = find("question");

let Payments;
let config;
let payments;
let running; // { timeline, abort, offer, trouble } of the question being asked

// --- start -----------------------------------------------------------------------------------------

try {
  ({ Payments } = await import("/pkg/index.js"));
  config = await (await fetch("/config.json")).json();
  payments = logIn();
  showOrigins();
  showAccount();
  wire();
  resume();
  document.documentElement.dataset.ready = "true";
} catch (error) {
  newExchange("The page could not start").fail(error);
  document.documentElement.dataset.ready = "false";
}

// A return from the login that was not started here is refused by the package. The page says so and
// goes on logged out: the key is out of the address bar and was not used.
function logIn() {
  const session = Payments.getBrowserInstance({
    returnUrl: location.origin + location.pathname,
    environment: config.environment,
    backend: config.backend,
    frontend: config.frontend,
    storage: "session",
    approve,
    onEvent: (event) => running?.timeline.step(event),
  });
  if (session.loginError) newExchange("Coming back from the login").fail(session.loginError);
  return session;
}

function wire() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = box.value.trim();
    if (!running) ask(question, new FormData(form).get("mode"));
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  box.addEventListener("input", () => complain(false));
  find("samples").addEventListener("click", (event) => {
    const sample = event.target.closest("button");
    if (!sample) return;
    box.value = sample.textContent;
    complain(false);
    box.focus();
  });
  find("quote").addEventListener("click", showPrice);
  form.addEventListener("change", () => hidePrice());
  find("stop").addEventListener("click", () => running?.abort.abort());
  find("login").addEventListener("click", () => payments.connect());
  find("logout").addEventListener("click", () => {
    payments.logout();
    forgetAll();
    location.reload();
  });
}

// A question that was on its way when the login took the page goes on where it was; one whose login
// did not happen goes back into the box.
function resume() {
  const held = pending.get();
  pending.clear();
  if (!held) return;
  box.value = held.question;
  find(`mode-${held.mode}`).checked = true;
  if (payments.isLoggedIn) ask(held.question, held.mode);
}

// --- one question ----------------------------------------------------------------------------------

async function ask(question, mode) {
  complain(question === "");
  if (question === "") return box.focus();

  const exchange = newExchange(question, () => ask(question, mode));
  running = { timeline: startTimeline(), abort: new AbortController(), offer: undefined, trouble: undefined };
  const { timeline, abort } = running;
  busy(true);
  hidePrice();
  document.body.classList.add("asked-once");
  let paid;
  let spend;
  try {
    paid = await payments.fetch(...requestOf(question, mode, abort.signal));
    spend = paid.spend;
    timeline.finish(spend);
    if (!paid.response.ok) throw await asError(paid.response);
    if (mode === "stream") await readStream(paid.response, exchange);
    else exchange.answer(await paid.response.json());
    exchange.receipt(paid.receipt, bought(spend));
    box.value = "";
    announce(`Answered. ${exchange.text()}`);
  } catch (error) {
    spend = error.spend ?? spend;
    timeline.finish(spend);
    if (await offerLogin(error, question, mode)) return;
    if (/^BCK\.DELEGATION\./.test(error.code ?? "")) dropDelegation();
    exchange.fail(running.trouble ?? error, spend, bought(spend));
  } finally {
    addUp(spend);
    busy(false);
    running = undefined;
    offerReceipts(payments);
    showAccount(paid?.receipt?.remainingBalance);
  }
}

// Adds what this question cost to the running tally: what was settled, and what was bought.
function addUp(spend) {
  if (!spend || !payments.isLoggedIn) return;
  const cents = bought(spend).reduce((sum, purchase) => sum + purchase.cents, 0);
  addToTally(payments.getAccountAddress(), { credits: spend.creditsSettled ?? 0n, cents });
}

// The arguments of `fetch` for a question, in either mode.
function requestOf(question, mode, signal) {
  if (mode === "stream") {
    return [`${config.paywall}/stream?q=${encodeURIComponent(question)}`, { headers: { accept: "text/event-stream" }, signal }];
  }
  const headers = { "content-type": "application/json" };
  return [`${config.paywall}/ask`, { method: "POST", headers, body: JSON.stringify({ question }), signal }];
}

async function showPrice() {
  if (running) return;
  const mode = new FormData(form).get("mode");
  find("price").focus();
  find("quote").hidden = true;
  try {
    find("price").textContent = await priceOf(payments, ...requestOf(box.value.trim(), mode));
  } catch {
    find("price").textContent = "The price could not be learned: the service did not answer.";
  }
}

function hidePrice() {
  find("price").textContent = "";
  find("quote").hidden = false;
}

async function readStream(response, exchange) {
  exchange.streaming(true);
  try {
    for await (const { event, data } of serverSentEvents(response.body)) {
      const value = JSON.parse(data);
      if (event === "word") exchange.word(value.text);
      if (event === "done") return exchange.streamed(value);
    }
    throw Object.assign(new Error("The stream ended before the answer was whole."), { code: "stream_cut" });
  } finally {
    exchange.streaming(false);
  }
}

// Called by the package when something is to be paid for.
async function approve(offer, context) {
  running.offer = offer;
  if (!payments.isLoggedIn) return false;
  const { timeline, abort } = running;
  try {
    const [plan, balance] = await Promise.all([context.plan(), context.balance()]);
    learn(offer.planId, plan);
    return await askConsent({ payments, offer, plan, balance, signal: abort.signal, step: timeline.step, waited: timeline.waited });
  } catch (error) {
    // The package only learns that nobody could be asked; the person is told why.
    running.trouble = error;
    throw error;
  }
}

// True if the flow ended because nobody is logged in. The same dialog then offers the login, and the question waits in
// the tab.
async function offerLogin(error, question, mode) {
  if (payments.isLoggedIn && error.code !== "not_logged_in") return false;
  const offer = running.offer ?? (await offerOf(error.response));
  if (!offer) return false;
  if (!(await askLogin({ offer, waited: running.timeline.waited, signal: running.abort.signal }))) return false;
  pending.set({ question, mode });
  payments.connect();
  return true;
}

// The offer in the body of a 402 that could not be paid, for people who are not logged in yet.
async function offerOf(response) {
  if (response?.status !== 402 || response.bodyUsed) return undefined;
  const { accepts: [first] = [], resource } = await response.json().catch(() => ({}));
  if (!first) return undefined;
  const { planId, scheme, network, extra } = first;
  return { planId, scheme, network, credits: extra?.credits, url: response.url || config.paywall, resource };
}

// An answer of the service that is not the one that was asked for.
async function asError(response) {
  const said = await response.json().catch(() => ({}));
  const error = new Error(said.message ?? `The service answered ${response.status}.`);
  return Object.assign(error, { code: said.code ?? `http_${response.status}`, hint: said.hint });
}

// --- the frame of the page -------------------------------------------------------------------------

async function showAccount(known) {
  const loggedIn = payments.isLoggedIn;
  find("login").hidden = loggedIn;
  find("logout").hidden = !loggedIn;
  find("figures").hidden = !loggedIn;
  if (!loggedIn) return;
  const account = payments.getAccountAddress();
  find("account").textContent = short(account);
  find("account").title = account;
  const spent = tally(account);
  find("spent").textContent = count(spent.credits);
  find("spent-note").textContent = spent.cents > 0 ? `credits · ${cents(spent.cents)}` : "credits";
  try {
    find("balance").textContent = count(known ?? (await payments.plans.getPlanBalance(config.planId)).balance);
  } catch {
    find("balance").textContent = "–";
  }
}

function showOrigins() {
  find("origin-page").textContent = location.host;
  find("origin-paywall").textContent = new URL(config.paywall).host;
  find("origin-platform").textContent = new URL(config.backend).host;
  find("origins").hidden = false;
}

function busy(on) {
  const [show, hide] = on ? [find("stop"), find("ask")] : [find("ask"), find("stop")];
  const focused = document.activeElement === hide;
  show.hidden = false;
  hide.hidden = true;
  if (focused) show.focus();
  form.classList.toggle("busy", on);
}

function complain(on) {
  find("question").setAttribute("aria-invalid", String(on));
  document.getElementById("question-problem").hidden = !on;
}
