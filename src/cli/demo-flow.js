// The whole way in a terminal: a new buyer meets a 402, consents, buys a plan, pays, and reads the answer and the
// receipt, with the npm package as it ships. Every request is seen on the wire, and what must hold is checked.
import { duration, out, padEnd, padStart, width } from './terminal.js';

/**
 * Walks the way on the servers; false if something that must hold did not. `Payments` is the package's class, `prices` says what each route costs,
 * `serverSentEvents` reads a stream of them, `newAccount(api, name)` makes a buyer.
 */
export async function walk(servers, { Payments, prices, serverSentEvents, newAccount }) {
  const story = new Story(servers);
  const started = performance.now();
  try {
    await new Way(servers, story, { Payments, prices, serverSentEvents, newAccount }).all();
  } catch (error) {
    story.fail(error);
  }
  return story.end(performance.now() - started);
}

class Way {
  constructor(servers, story, parts) {
    Object.assign(this, { servers, story }, parts);
  }

  async all() {
    const { story, servers } = this;
    this.account = await this.newAccount(servers.sandbox.url, 'A new buyer');
    story.chapter('A new buyer asks a question', `account ${short(this.account.accountAddress)}, no credits, no delegation`);
    const payments = await this.payments((offer, context) => this.consent(offer, context));
    this.buyer = payments;
    await this.question(payments, 'What is 15% of 240?', { requests: 2, orders: 1, mints: 1 });

    story.chapter('The same buyer asks again', 'the token is at hand and the consent remembered');
    await this.question(payments, 'How many days are there between 2026-01-01 and 2026-12-25?', { requests: 1, orders: 0, mints: 0 });

    story.chapter('A cold start', 'credits and a delegation at hand: bare, mint, paid');
    const { delegationId } = this;
    const cold = await this.payments(() => true, { delegationConfig: { delegationId } });
    await this.question(cold, 'Is 7919 prime?', { requests: 2, orders: 0, mints: 1, all: 3 });

    story.chapter('An answer that streams', 'what is bought never enters the wasm');
    await this.stream(payments);
  }

  /** The package, told to send through the story's eyes. */
  payments(approve, more = {}) {
    const { sandbox } = this.servers;
    return this.Payments.getInstance({
      nvmApiKey: this.account.nvmApiKey, environment: 'custom', backend: sandbox.url, frontend: sandbox.url,
      fetch: (input, init) => this.story.fetch(input, init), approve, ...more,
    });
  }

  /** The buyer's yes: reads the offer, the plan and the balance, buys where credits lack, and limits what may be spent. */
  async consent(offer, context) {
    const { story } = this;
    story.line('402 offer', `${offer.credits} credits of plan ${short(offer.planId)}`, `${offer.scheme} on ${offer.network}`);
    const [plan, { balance, planName }] = await Promise.all([context.plan(), context.balance()]);
    story.line('terms', `${planName}: ${price(plan)}`, `balance ${balance}`);
    const purchase = balance < offer.credits;
    if (!this.delegationId) {
      const limit = { provider: 'erc4337', spendingLimitCents: 1000, durationSecs: 3600, currency: 'usdc', planId: offer.planId };
      ({ delegationId: this.delegationId } = await this.buyer.delegation.createDelegation(limit));
    }
    story.line('consent', `yes${purchase ? ', and buy the plan' : ''}; remembered`, 'up to 10.00 USDC within one hour');
    return { approve: true, purchase, remember: true, delegationId: this.delegationId };
  }

  async question(payments, question, expected) {
    await this.paid(payments, 'POST /ask', expected, async (url) => {
      const paid = await payments.fetch(url, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ question }),
      });
      const { answer } = await paid.response.clone().json();
      this.story.tell('answer', `“${answer}”`);
      return paid;
    });
  }

  async stream(payments) {
    await this.paid(payments, 'GET /stream', { requests: 2, orders: 0 }, async (url) => {
      const started = performance.now();
      const paid = await payments.fetch(`${url}?q=${encodeURIComponent('What is an x402 receipt?')}`);
      let text = '';
      let words = 0;
      let first;
      for await (const { event, data } of this.serverSentEvents(paid.response.body)) {
        if (event !== 'word') continue;
        first ??= performance.now() - started;
        text += JSON.parse(data).text;
        words++;
      }
      const whole = performance.now() - started;
      this.story.tell('answer', `“${text.trim()}”`);
      this.story.line('stream', `${words} words, one event each`, `first ${duration(first ?? 0)}, last ${duration(whole)}`);
      this.story.check('the words arrived one by one', words > 1 && whole - first > 100);
      return paid;
    });
  }

  /** One paid request, with what must hold after it. */
  async paid(payments, route, expected, ask) {
    const { story, servers } = this;
    const price = BigInt(this.prices[route]);
    const before = await this.balance();
    const sofar = await this.tally(servers);
    story.forget();
    const { response, receipt, spend } = await ask(servers.paywall.url + route.split(' ')[1]);
    const sent = story.sent();
    const after = await this.balance();
    const now = await this.tally(servers);

    story.line('receipt', receipt ? `${receipt.creditsRedeemed} credits, ${receipt.remainingBalance} left` : 'none',
      receipt && `transaction ${short(receipt.transaction)}`);
    const bought = BigInt(now.bought - sofar.bought);
    story.line('balance', `${before} -> ${after}`, bought > 0n ? `${bought} bought, ${price} spent` : `${price} spent`);

    const requests = sent.filter(({ url }) => url.startsWith(servers.paywall.url)).length;
    story.check('200 with a payment-response', response.status === 200 && response.headers.has('payment-response'));
    story.check(`the balance fell by exactly ${price}`, before + bought - after === price);
    story.check('the receipt says so too', receipt?.success === true && BigInt(receipt.creditsRedeemed) === price && BigInt(receipt.remainingBalance) === after);
    story.check(`${expected.requests} request${expected.requests > 1 ? 's' : ''} to the service`, requests === expected.requests, `${requests}`);
    story.check('the origin answered once', now.origin - sofar.origin === 1, `${now.origin - sofar.origin}`);
    if (expected.all) story.check(`${expected.all} round trips in all`, sent.length === expected.all, `${sent.length}`);
    for (const [what, key] of [['order', 'orders'], ['token mint', 'mints']]) {
      if (expected[key] === undefined) continue;
      const times = now[key] - sofar[key];
      story.check(`${expected[key] || 'no'} ${what}`, times === expected[key], `${times}`);
    }
    story.check('the package counted the same', spend.outcome === 'settled' && spend.requests === requests && spend.mints === now.mints - sofar.mints,
      `outcome ${spend.outcome}, ${spend.requests} requests, ${spend.mints} mints`);
  }

  /** The buyer's balance, asked of the sandbox by hand: the package is not asked to vouch for itself. */
  async balance() {
    const { sandbox, planId } = this.servers;
    const response = await fetch(`${sandbox.url}/api/v1/protocol/plans/${planId}/balance/${this.account.accountAddress}`);
    return BigInt((await response.json()).balance);
  }

  /** How often what has happened so far, as the sandbox and the origin saw it. */
  async tally({ sandbox, origin }) {
    const calls = await (await fetch(`${sandbox.url}/sandbox/calls`)).json();
    const times = (path) => calls.filter((call) => call.method === 'POST' && call.status < 300 && path.test(call.path)).length;
    const orders = times(/\/order$/);
    return { orders, mints: times(/\/x402\/permissions$/), bought: orders * 100, origin: origin.calls().length };
  }
}

/** The printed report: each event on a line with its time, and the checks below. */
class Story {
  #requests = [];
  #checks = [];
  #failures = [];
  #step = 0;
  #last = performance.now();

  constructor({ sandbox, paywall }) {
    this.hosts = { [sandbox.url]: 'sandbox', [paywall.url]: 'paywall' };
  }

  chapter(title, note) {
    this.#verdicts();
    console.log(`\n  ${out.bold(title)}  ${out.dim(note)}\n`);
    this.#step = 0;
    this.#last = performance.now();
  }

  /** The fetch that the package is given: the real one, seen. */
  async fetch(input, init) {
    const request = new Request(input, init);
    const { origin, pathname } = new URL(request.url);
    const sent = { method: request.method, url: request.url, paid: request.headers.has('payment-signature') };
    this.#requests.push(sent);
    const started = performance.now();
    const response = await fetch(request);
    const time = performance.now() - started;
    const paint = response.ok ? out.green : response.status === 402 ? out.yellow : out.red;
    const what = NAMES.find(([method, path]) => method === sent.method && path.test(pathname))?.[2] ?? (sent.paid ? 'paid' : 'request');
    const tail = sent.paid ? 'with the token' : response.status === 402 ? 'without a token' : '';
    this.#print(what, `${sent.method} ${shortPath(pathname)} ${paint(response.status)}`, `${this.hosts[origin] ?? origin}${tail && `, ${tail}`}`, time);
    return response;
  }

  line(what, text, note = '') {
    this.#print(what, text, note, performance.now() - this.#last);
  }

  /** A line whose text is as long as it is: it goes on below itself. */
  tell(what, text) {
    const room = columns() - 30;
    const [first = '', ...more] = text.match(new RegExp(`.{1,${Math.max(20, room)}}(?=\\s|$)|\\S+`, 'g')) ?? [];
    this.line(what, first.trim());
    for (const part of more) console.log(`${' '.repeat(18)}${part.trim()}`);
  }

  #print(what, text, note, time) {
    const left = `  ${out.dim(padStart(String(++this.#step), 3))}  ${padEnd(out.cyan(what), 9)}  ${padEnd(text, 46)}`;
    const room = columns() - width(left) - 12;
    const shown = note.length <= room ? note : room > 8 ? `${note.slice(0, room - 1)}…` : '';
    console.log(`${padEnd(`${left}  ${out.dim(shown)}`, columns() - 9)} ${out.dim(padStart(duration(time), 8))}`);
    this.#last = performance.now();
  }

  forget() {
    this.#requests = [];
    this.#last = performance.now();
  }

  sent() {
    return [...this.#requests];
  }

  /** Notes whether something holds; `found` says what is there instead. */
  check(what, holds, found) {
    this.#checks.push({ what, holds });
    if (!holds) this.#failures.push(found === undefined ? what : `${what}: found ${found}`);
  }

  /** The checks, in as few lines as possible; a failed check has its own line. */
  #verdicts() {
    const [good, bad] = [true, false].map((wanted) => this.#checks.filter(({ holds }) => holds === wanted).map(({ what }) => what));
    const lines = [];
    for (const what of good) {
      const last = lines.at(-1);
      if (last && last.length + what.length < 84) lines[lines.length - 1] = `${last}, ${what}`;
      else lines.push(what);
    }
    if (this.#checks.length > 0) console.log();
    for (const line of lines) console.log(`       ${out.green('✓')} ${line}`);
    for (const what of bad) console.log(`       ${out.red('✗')} ${what}`);
    this.#checks = [];
  }

  fail(error) {
    const said = [error.code, error.message, error.hint].filter(Boolean).join(': ');
    this.#failures.push(said || String(error));
    if (!error.code) this.stack = error.stack;
  }

  end(time) {
    this.#verdicts();
    const good = this.#failures.length === 0;
    console.log();
    if (good) console.log(`  ${out.green(out.bold('The whole way holds'))} ${out.dim(`in ${duration(time)}`)}\n`);
    for (const what of this.#failures) console.log(`  ${out.red(out.bold('failed:'))} ${what}`);
    if (this.stack) console.log(`\n${out.dim(this.stack)}`);
    return good;
  }
}

/** How wide a line may be. */
const columns = () => Math.min(process.stdout.columns || 110, 110);

/** Readable names of the API's calls. */
const NAMES = [
  ['POST', /\/order$/, 'order'],
  ['POST', /\/x402\/permissions$/, 'mint'],
  ['POST', /\/delegation\/create$/, 'limit'],
  ['GET', /\/balance\/\w+$/, 'balance'],
  ['GET', /\/plans\/\d+$/, 'plan'],
];

/** 0x12ab…cdef, 1234…7890 */
function short(text = '') {
  return text.length > 14 ? `${text.slice(0, text.startsWith('0x') ? 6 : 4)}…${text.slice(-4)}` : text;
}

/** A path with the long ids in it shortened, and without the API's prefix. */
function shortPath(path) {
  return path.replace(/^\/api\/v1(\/protocol)?/, '').replace(/[0-9a-fx]{15,}/gi, short);
}

/** 100 credits for 5.00 USDC */
function price(plan) {
  const { amounts = [], currency } = plan?.registry?.price ?? {};
  const credits = plan?.registry?.credits?.amount;
  const total = amounts.reduce((sum, amount) => sum + BigInt(amount), 0n);
  return `${credits ?? '?'} credits for ${(Number(total) / 1e6).toFixed(2)} ${currency ?? 'USDC'}`;
}
