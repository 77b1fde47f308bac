// How long each step may take, and going on after an outcome that is not known: against a real sandbox, a seller that hangs
// where it is told to, and people who do not answer.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OutcomeUnknown, Payments, PaymentsError } from '../../target/dist/subscriber/index.js';
import { failure, need, offerOf, pause, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
/** The seller's behaviour on a request with a token. */
let paid;
/** The seller's behaviour on a request without one. */
let bare;

before(async () => {
  platform = await startPlatform({ SANDBOX_FAULTS: '1' });
  seller = await startSeller((request, response) => (request.token ? paid : bare)(request, response));
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

const settle = async ({ token }, response) => response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('the answer');
const terms = (_, response) => need(response, offerOf(platform.planId));
const hang = () => {};
const lost = (_, response) => response.destroy();
/** Takes the credits, and the connection dies before the head. */
const burnAndLose = async ({ token }, response) => {
  await platform.settle(token);
  response.destroy();
};
const set = (now = {}) => ({ paid, bare } = { paid: settle, bare: terms, ...now });
const ask = (payments, options, init = {}) => payments.fetch(`${seller.url}/ask`, { method: 'POST', body: 'a question', ...init }, options);
const faults = (...list) => fetch(`${platform.sandbox.url}/sandbox/faults`, { method: 'POST', body: JSON.stringify(list) });
const noFaults = () => fetch(`${platform.sandbox.url}/sandbox/faults`, { method: 'DELETE' });

describe('a step that takes too long ends in an error that names it, and says what was spent', () => {
  const slow = (path) => faults({ match: { path }, kind: 'latency', ms: 3000 });
  const none = { outcome: 'none', creditsPresented: 0n };
  // The step that hangs, its time limit, the code, the text of the report.
  const table = {
    'a seller that says nothing': [{ bare: hang }, { send: 80 }, 'send_timeout', none],
    'a seller whose 402 never ends': [{ bare: (_, response) => response.writeHead(402).write('{') }, { send: 80 }, 'send_timeout', none],
    'a seller that says nothing to a token': [{ paid: hang }, { send: 150 }, 'send_timeout', { outcome: 'unknown', creditsPresented: 2n }],
    'a dialog that nobody answers': [{ options: { approve: () => new Promise(hang) } }, { approve: 80 }, 'approve_timeout', none],
    'a choice that nobody makes': [{ options: { select: () => new Promise(hang) }, several: true }, { approve: 80 }, 'approve_timeout', none],
    'a mint that takes for ever': [{ slow: 'permissions$' }, { platform: 80 }, 'platform_timeout', none],
    'an order that takes for ever': [{ slow: 'order$', buys: true }, { platform: 150 }, 'purchase_outcome_unknown', none],
    'credits that never come': [{ buys: true, delay: 3600 }, { credits: 150 }, 'credits_timeout', none],
  };
  for (const [name, [how, timeouts, code, report]] of Object.entries(table)) {
    for (const where of ['instance', 'fetch']) {
      test(`${name}, by the ${where}`, async () => {
        const several = () => {
          const one = offerOf(platform.planId);
          return { ...one, accepts: [one.accepts[0], { ...one.accepts[0], network: 'eip155:8453' }] };
        };
        set({ bare: how.several ? (_, response) => need(response, several()) : terms, ...how });
        const approve = how.buys ? async (_, context) => { await context.balance(); return { approve: true, purchase: true }; } : () => true;
        const payments = await platform.buyer({ approve, ...how.options, ...(where === 'instance' && { timeouts }) }, { credits: !how.buys });
        if (how.slow) await slow(how.slow);
        if (how.delay) await fetch(`${platform.sandbox.url}/sandbox/settings`, { method: 'POST', body: JSON.stringify({ creditsDelaySecs: how.delay }) });
        try {
          const begun = Date.now();
          const error = await failure(ask(payments, where === 'fetch' ? { timeouts } : {}));
          assert.ok(Date.now() - begun < 10_000, 'in time');
          assert.equal(error.code, code);
          assert.ok(error instanceof PaymentsError);
          assert.equal(error.spend.outcome, report.outcome);
          assert.equal(error.spend.creditsPresented, report.creditsPresented);
          assert.equal(error instanceof OutcomeUnknown, report.outcome === 'unknown' || code === 'purchase_outcome_unknown');
          assert.equal(typeof error.spend.payment, report.outcome === 'unknown' ? 'number' : 'undefined');
          assert.deepEqual(error.spend.purchases.map(({ confirmed }) => confirmed), how.buys ? [Boolean(how.delay)] : []);
          assert.equal(error.retryable, report.outcome === 'none' && ['send_timeout', 'platform_timeout'].includes(code));
          assert.equal(payments.spend.credits, report.creditsPresented);
        } finally {
          await noFaults();
          if (how.delay) await fetch(`${platform.sandbox.url}/sandbox/settings`, { method: 'POST', body: '{"creditsDelaySecs":0}' });
        }
      });
    }
  }

  test('a call of the platform that takes too long says so, whoever makes it', async () => {
    const payments = await platform.buyer({ timeoutMs: 100 });
    await slow('plans/\\d+$');
    try {
      const error = await failure(payments.plans.getPlan(platform.planId));
      assert.deepEqual([error.code, error.status, error.retryable], ['platform_timeout', 408, true]);
      assert.match(error.correlationId, /^[0-9a-f]{32}$/);
    } finally {
      await noFaults();
    }
  });
});

test('a limit on sends gives up the connection, and never cuts a body off', async () => {
  let finish;
  set({ paid: async ({ token }, response) => {
    response.writeHead(200, { 'payment-response': await platform.settle(token) }).write('one ');
    finish = () => response.end('two');
  } });
  const payments = await platform.buyer();
  const { response } = await ask(payments, { timeouts: { send: 1500 } });
  await pause(1700);
  finish();
  assert.equal(await response.text(), 'one two');

  set({ bare: hang });
  const before = seller.requests.length;
  await failure(ask(payments, { timeouts: { send: 50 } }, { method: 'PUT' }));
  for (let tries = 0; !seller.requests.at(-1).gone && tries < 1000; tries++) await pause(20);
  assert.deepEqual([seller.requests.length - before, seller.requests.at(-1).gone], [1, true]);
});

test('whoever is asked is told that an answer is of no use any more', async () => {
  set();
  for (const [how, timeouts] of [['abort', {}], ['logout', {}], ['timeout', { approve: 60 }], ['answer', { approve: 5000 }]]) {
    const controller = new AbortController();
    let signal;
    let answer;
    const asked = new Promise((resolve) => { answer = resolve; });
    const payments = await platform.buyer({ timeouts, approve: (_, context) => new Promise((yes) => { signal = context.signal; answer(() => yes(true)); }) });
    const fetched = ask(payments, {}, { signal: controller.signal }).catch((error) => error);
    const yes = await asked;
    assert.equal(signal.aborted, false, how);
    if (how === 'abort') controller.abort(new Error('enough'));
    if (how === 'logout') payments.logout();
    if (how === 'answer') yes();
    const { code } = await fetched;
    assert.equal(code, { abort: 'aborted', logout: 'session_ended', timeout: 'approve_timeout' }[how]);
    assert.equal(signal.aborted, how !== 'answer', how);
    if (how === 'abort') assert.equal(signal.reason.message, 'enough');
  }
});

test('no timer outlives its fetch', async () => {
  set();
  const payments = await platform.buyer({ timeouts: { send: 60_000, platform: 60_000, approve: 60_000, credits: 60_000 } });
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
  const before = timers();
  await Promise.all([1, 2, 3].map(() => ask(payments)));
  await failure(ask(payments, { approve: () => false }, { method: 'PUT' }));
  assert.ok(timers() <= before + 1, `${timers()} timers, and ${before} before`);
});

describe('going on after an outcome that is not known', () => {
  const questions = [];
  const approve = (offer) => { questions.push(offer.again); return true; };
  /** A first fetch that ended unknown, with the second one's answer set. */
  async function unknown(first, { tokenVersion } = {}) {
    set();
    const payments = await platform.buyer({ approve, tokenVersion });
    await ask(payments, {}, { body: 'before' });
    set({ paid: first });
    const error = await failure(ask(payments));
    assert.equal(error.code, 'outcome_unknown');
    assert.ok(error instanceof OutcomeUnknown && error.spend.payment > 0);
    set();
    questions.length = 0;
    return { payments, error, before: 2n };
  }

  // (name, how the first was lost, token, how it ends, whether it is asked again, burned beyond the first answer, counted so)
  for (const [name, first, tokenVersion, outcome, again, burned, counted] of [
    ['a single-use token that was burned cannot be burned twice', burnAndLose, 3, 'payment_refused', false, 2n, 2n],
    ['a single-use token that was not', lost, 3, 'settled', false, 2n, 2n],
    ['a reusable token that was not burned: another payment all the same, if it is agreed to', lost, 2, 'settled', true, 2n, 4n],
    ['a reusable token that was burned: another payment, if it is agreed to', burnAndLose, 2, 'settled', true, 4n, 4n],
  ]) {
    test(name, async () => {
      const { payments, error, before } = await unknown(first, { tokenVersion });
      const sent = seller.paid();
      // A gate refuses a single-use token that was burned.
      if (first === burnAndLose && tokenVersion === 3) {
        const spent = seller.requests.at(-1).token;
        set({ paid: (request, response) => (request.token === spent ? terms(request, response) : settle(request, response)) });
      }
      const had = seller.requests.at(-1).token;
      const ended = await ask(payments, { resume: error }).catch((error) => error);
      assert.equal(ended.code ?? ended.spend.outcome, outcome);
      if (outcome === 'settled') assert.equal(await ended.response.text(), 'the answer');
      else assert.deepEqual([ended.response.status, ended.spend.outcome], [402, 'unknown']);
      assert.deepEqual(questions, again ? [true] : []);
      assert.equal(seller.paid() - sent, 1, 'one presentation');
      if (tokenVersion === 3) assert.equal(seller.requests.at(-1).token, had, 'the very same token');
      assert.equal(100n - await payments.held(), before + burned, 'the ledger');
      assert.equal(payments.spend.credits, before + counted, 'the budget');
      assert.equal((await failure(ask(payments, { resume: error }))).code, 'not_resumable');
    });
  }

  test('a no to paying again leaves all as it was', async () => {
    const { payments, error } = await unknown(burnAndLose);
    const denied = await failure(ask(payments, { resume: error, approve: () => false }));
    assert.deepEqual([denied.code, denied.spend.outcome, denied.spend.payment], ['consent_denied', 'unknown', error.spend.payment]);
    assert.equal(payments.spend.credits, 4n);
    assert.equal((await ask(payments, { resume: denied })).spend.outcome, 'settled');
  });

  test('an abort while paying can be gone on with, and so can a time that was up', async () => {
    for (const [how, tokenVersion, counted] of [['abort', 2, 6n], ['abort', 3, 4n], ['time', 2, 6n], ['time', 3, 4n]]) {
      set();
      const payments = await platform.buyer({ tokenVersion });
      await ask(payments, {}, { body: 'before' });
      set({ paid: hang });
      const signal = how === 'abort' ? AbortSignal.timeout(150) : undefined;
      const error = await failure(ask(payments, how === 'time' ? { timeouts: { send: 150 } } : {}, { signal }));
      assert.equal(error.code, how === 'abort' ? 'aborted' : 'send_timeout');
      set();
      assert.equal((await ask(payments, { resume: error })).spend.outcome, 'settled');
      assert.equal(payments.spend.credits, counted);
    }
  });

  test('an answer of a server that fell over can be gone on with', async () => {
    for (const [status, tokenVersion, counted] of [[500, 2, 6n], [500, 3, 4n], [409, 3, 4n], [429, 3, 4n]]) {
      set();
      const payments = await platform.buyer({ tokenVersion });
      await ask(payments, {}, { body: 'before' });
      set({ paid: (_, response) => response.writeHead(status).end('oops') });
      const result = await ask(payments);
      assert.deepEqual([result.response.status, result.spend.outcome, result.spend.singleUse], [status, 'unknown', tokenVersion === 3]);
      set();
      assert.equal((await ask(payments, { resume: result })).spend.outcome, 'settled');
      assert.equal(payments.spend.credits, counted);
    }
  });

  test('what is no such payment pays nothing', async () => {
    const { payments, error } = await unknown(lost);
    const sent = seller.requests.length;
    const other = await platform.buyer();
    for (const [buyer, options, init] of [
      [payments, { resume: error }, { method: 'PUT' }],
      [payments, { resume: {} }, {}],
      [payments, { resume: new Error('of another kind') }, {}],
      [other, { resume: error }, {}],
    ]) {
      const wrong = await failure(ask(buyer, options, init));
      assert.deepEqual([wrong.code, wrong.spend.requests], ['not_resumable', 0]);
    }
    assert.equal(seller.requests.length, sent);
    payments.logout();
    assert.equal((await failure(ask(payments, { resume: error }))).code, 'not_resumable');
  });
});

describe('what ends a fetch before anything is sent has spent nothing, and says so', () => {
  const endless = () => new ReadableStream({ pull(controller) { controller.enqueue(new Uint8Array(300_000)); } });
  const table = {
    'no URL': [(payments) => payments.fetch('not a url'), 'invalid_request'],
    'a GET with a body': [(payments) => payments.fetch(seller.url, { body: 'x' }), 'invalid_request'],
    'a body that was used': [async (payments) => {
      const request = new Request(seller.url, { method: 'POST', body: 'x' });
      await request.text();
      return payments.fetch(request);
    }, 'invalid_request'],
    'a body that cannot be kept': [(payments) => payments.fetch(seller.url, { method: 'POST', body: endless(), duplex: 'half' }), 'body_not_replayable'],
    'a policy that is none': [(payments) => payments.fetch(seller.url, {}, { policy: 'x' }), 'validation'],
    'a time of nothing': [(payments) => payments.fetch(seller.url, {}, { timeouts: { send: 0 } }), 'validation'],
    'a time that is no number': [(payments) => payments.fetch(seller.url, {}, { timeouts: { approve: 'soon' } }), 'validation'],
    'a signal that has fired': [(payments) => payments.fetch(seller.url, { signal: AbortSignal.abort() }), 'aborted'],
    'a quote of no URL': [(payments) => payments.quote('not a url'), 'invalid_request'],
  };
  for (const [name, [make, code]] of Object.entries(table)) {
    test(name, async () => {
      const payments = await platform.buyer({}, { credits: false });
      const sent = seller.requests.length;
      const error = await failure(make(payments));
      assert.ok(error instanceof PaymentsError);
      assert.equal(error.code, code);
      assert.deepEqual(error.spend, { outcome: 'none', requests: 0, mints: 0, creditsPresented: 0n, singleUse: false, purchases: [], amounts: [] });
      assert.equal(seller.requests.length, sent);
    });
  }

  test('times of an instance that are wrong are named', async () => {
    const { nvmApiKey } = (await platform.buyer({}, { credits: false })).account;
    for (const timeouts of [{ send: -1 }, { platform: 0 }, { credits: 1.5 }]) {
      assert.throws(() => Payments.getInstance({ nvmApiKey, environment: 'custom', backend: platform.sandbox.url, timeouts }), { code: 'validation', message: new RegExp(`^timeouts\\.${Object.keys(timeouts)[0]} must be `) });
    }
  });
});
