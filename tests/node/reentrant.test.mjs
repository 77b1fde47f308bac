// Calls from inside a callback of the same instance: each succeeds or is an error, and none waits for itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { failure, need, offerOf, pause, startPlatform, startSeller } from './harness.mjs';

let platform;
const seller = await startSeller(async (one, response) => {
  if (one.url.startsWith('/free')) return response.end('free');
  if (!one.token) return need(response, offerOf(platform.planId));
  response.writeHead(200, { 'payment-response': await platform.settle(one.token) }).end('done');
});
before(async () => { platform = await startPlatform(); });
after(async () => {
  await seller.stop();
  await platform.stop();
});

const ask = (p, options) => p.fetch(`${seller.url}/ask`, { method: 'POST', body: '{}' }, options);
const risk = (p, options) => p.fetch(`${seller.url}/risk`, {}, options);
const soon = (promise) => Promise.race([promise, pause(8000).then(() => { throw new Error('it hangs'); })]);

/** An `approve` that does something the first time that it is called. */
function first(act) {
  let calls = 0;
  return async (...given) => {
    if (calls++ === 0) await act(...given);
    return true;
  };
}

for (const [name, act] of Object.entries({
  'something free': (p) => p.fetch(`${seller.url}/free`),
  'the same paid thing, asking somebody else': (p) => ask(p, { approve: () => true }),
  'another paid thing, asking somebody else': (p) => risk(p, { approve: () => true }),
  'another paid thing, after it has waited for something': async (p) => { await pause(5); await risk(p, { approve: () => true }); },
  'another paid thing, by an instance of its own': async () => risk(await platform.buyer()),
  'a quote': (p) => p.quote(`${seller.url}/ask`),
})) {
  test(`approve may fetch ${name}`, async () => {
    const p = await platform.buyer({ approve: undefined });
    const { response } = await soon(ask(p, { approve: first(() => act(p)) }));
    assert.equal(response.status, 200);
  });
}

for (const [name, wait] of Object.entries({ 'at once': async () => {}, 'after waiting': () => pause(5), 'after looking at the plan': (_, context) => context.plan() })) {
  test(`approve that fetches what asks it the same question gets an error, ${name}`, async () => {
    let inner;
    const p = await platform.buyer({
      approve: first(async (offer, context) => {
        await wait(offer, context);
        inner = await failure(risk(p), 8000);
      }),
    });
    const { response, spend } = await soon(ask(p));
    assert.deepEqual([inner.code, inner.spend.mints, inner.spend.outcome, response.status, spend.mints], ['approve_reentered', 0, 'none', 200, 1]);
    assert.match(inner.hint, /of its own/);
    // Left to itself it ends both.
    const q = await platform.buyer({ approve: async (offer, context) => { await wait(offer, context); await risk(q); return true; } });
    const outer = await failure(ask(q), 8000);
    assert.deepEqual([outer.code, outer.cause.code], ['approve_failed', 'approve_reentered']);
    assert.equal((await soon(ask(q, { approve: () => true }))).response.status, 200, 'and the instance goes on');
  });
}

test('whoever asks for the same meanwhile, from elsewhere, waits for the answer', async () => {
  let answer;
  const answered = new Promise((done) => { answer = done; });
  let asked = 0;
  const p = await platform.buyer({ approve: () => { asked += 1; return answered; } });
  const both = [ask(p), risk(p)];
  for (let tries = 0; asked === 0 && tries < 1000; tries++) await pause(20);
  await pause(300);
  assert.equal(asked, 1, 'one question');
  // Somebody else's question is not in the way.
  assert.equal((await soon(risk(p, { approve: () => true }))).response.status, 200);
  answer({ approve: true, remember: true });
  assert.deepEqual((await soon(Promise.all(both))).map(({ response }) => response.status), [200, 200]);
  assert.equal(asked, 1, 'and one answer for both');
});

test('select may pay, and so may a listener', async () => {
  const other = await platform.seller.plan({ credits: { maxAmount: '10' } });
  const two = await startSeller(async (one, response) => {
    const [first, second] = [platform.planId, other].map((planId) => offerOf(planId).accepts[0]);
    if (!one.token) return need(response, { ...offerOf(platform.planId), accepts: [first, second] });
    response.writeHead(200, { 'payment-response': await platform.settle(one.token) }).end('x');
  });
  const heard = [];
  const p = await platform.buyer({
    onEvent: ({ type }) => { if (heard.length < 3) heard.push(risk(p).then(({ response }) => `${type} ${response.status}`, (error) => error.code)); },
  });
  try {
    const { response } = await soon(p.fetch(`${two.url}/ask`, {}, { select: async (offers) => { await ask(p); return offers[0]; } }));
    assert.equal(response.status, 200);
    for (const one of await soon(Promise.all(heard))) assert.match(one, / 200$/);
  } finally {
    await two.stop();
  }
});
