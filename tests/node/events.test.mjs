// The event stream: every type in a real run against a real sandbox, with exactly the members that the types give it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller();
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

const BASE = { type: 'string', fetch: 'number', url: 'string' };
const PRICED = { ...BASE, planId: 'string', credits: 'bigint' };
const MEMBERS = {
  request: [BASE],
  offer: [{ ...PRICED, offer: 'object' }],
  consent: [PRICED],
  order: [{ ...PRICED, state: 'sent' }, { ...PRICED, state: 'done', txHash: 'string' }],
  mint: [{ ...PRICED, singleUse: 'boolean' }],
  paid: [PRICED],
  receipt: [{ ...PRICED, receipt: 'object' }],
  refused: [PRICED],
  unknown: [PRICED],
};
const kinds = (event) => Object.fromEntries(Object.entries(event).map(([name, value]) => [name, name === 'state' ? value : typeof value]));

test('each event has the members of its type, and all types are seen', async () => {
  const events = [];
  const payments = await platform.buyer({
    onEvent: (event) => events.push(event),
    approve: async (_, context) => { await context.balance(); return { approve: true, purchase: true }; },
  }, { credits: false });
  const terms = offerOf(platform.planId);
  let mood = 'sell';
  seller.answer = async ({ token }, response) => {
    if (!token) return need(response, terms);
    if (mood === 'die') return response.destroy();
    if (mood === 'refuse once') {
      mood = 'sell';
      return need(response, terms);
    }
    response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok');
  };
  const url = `${seller.url}/ask?q=1`;
  await payments.fetch(url, { method: 'POST', body: 'x' });
  mood = 'refuse once';
  await payments.fetch(url, { method: 'POST', body: 'x' });
  mood = 'die';
  await assert.rejects(payments.fetch(url, { method: 'POST', body: 'x' }));

  assert.deepEqual(events.map(({ fetch, type, state }) => [fetch, type, ...(state ? [state] : [])]), [
    [1, 'request'], [1, 'offer'], [1, 'consent'], [1, 'order', 'sent'], [1, 'order', 'done'], [1, 'mint'], [1, 'paid'], [1, 'receipt'],
    [2, 'offer'], [2, 'consent'], [2, 'paid'], [2, 'refused'], [2, 'mint'], [2, 'paid'], [2, 'receipt'],
    [3, 'offer'], [3, 'consent'], [3, 'paid'], [3, 'unknown'],
  ]);
  assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(Object.keys(MEMBERS)));
  for (const event of events) {
    assert.ok(MEMBERS[event.type].some((one) => {
      try {
        assert.deepEqual(kinds(event), { ...one });
        return true;
      } catch {
        return false;
      }
    }), `${event.type} has ${Object.keys(event)}`);
    assert.equal(event.url, url);
    if (event.type !== 'request') assert.deepEqual([event.planId, event.credits], [platform.planId, 2n]);
  }
  const [first] = events.filter(({ type }) => type === 'offer');
  const { offer } = first;
  assert.deepEqual(offer, {
    planId: platform.planId, scheme: 'nvm:erc4337', network: 'eip155:84532', credits: 2n, origin: seller.url, url,
    resource: { url: '/ask' }, remembered: false, again: false,
  });
  const { receipt } = events.find(({ type }) => type === 'receipt');
  assert.deepEqual([receipt.success, receipt.creditsRedeemed, receipt.remainingBalance], [true, 2n, 98n]);
});

test('an offer without a price has no credits, and a listener that throws hears the next', async () => {
  const events = [];
  const payments = await platform.buyer({ onEvent: (event) => { events.push(event); throw new Error('mine'); } });
  const terms = offerOf(platform.planId);
  delete terms.accepts[0].extra.credits;
  seller.answer = async ({ token }, response) => (token
    ? response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok') : need(response, terms));
  await payments.fetch(`${seller.url}/other`);
  assert.deepEqual(events.map(({ type }) => type), ['request', 'offer', 'consent', 'mint', 'paid', 'receipt']);
  assert.ok(events.every((event) => !('credits' in event)));
});
