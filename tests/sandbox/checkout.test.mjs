// Buying with a card: the page, the way back, and credits once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { BY_CARD, client, led } from './client.mjs';

let sandbox, anyone, seller;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
  seller = await anyone.open('Seller');
});
after(() => sandbox?.stop());

const BACK = 'http://127.0.0.1:5173/app?x=1&nvmState=s%20t&checkout=old#top';

/** A buyer, a card plan, and a checkout of it. */
async function checkout(terms = BY_CARD) {
  const ada = await anyone.open('Ada');
  const plan = await seller.plan(terms);
  const { status, json } = await ada.post('/api/v1/fiat/stripe/payment', { sessionType: 'embedded', planId: plan });
  assert.equal(status, 201);
  const { stripeCheckoutSessionId: id, checkoutLink } = json.result;
  return { ada, plan, id, path: new URL(checkoutLink).pathname };
}

test('the page shows what is bought for how much, with a card in it, and needs no script', async () => {
  const { path } = await checkout();
  const { status, text, headers } = await anyone.get(`${path}?returnUrl=${encodeURIComponent(BACK)}`);
  assert.equal(status, 200);
  for (const part of ['Hundred questions', '5.00 USD', '100 credits', 'Pay $5.00', 'Cancel', '4242 4242 4242 4242', 'http://127.0.0.1:5173</strong>']) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(!/<script|src=|@import|url\(/i.test(text));
  assert.match(headers.get('content-security-policy'), /default-src 'none'/);
});

test('paying leads back and brings credits once, however often', async () => {
  const { ada, plan, id, path } = await checkout();
  const results = await Promise.all(Array.from({ length: 5 }, () => anyone.form(path, { action: 'pay', returnUrl: BACK })));
  for (const result of results) {
    assert.equal(result.status, 303);
    assert.deepEqual(led(result), { x: '1', nvmState: 's t', checkout: 'success', sessionId: id });
    assert.equal(new URL(result.headers.get('location')).hash, '#top');
  }
  assert.equal(await ada.balance(plan), '100');
  const again = await anyone.get(`${path}?returnUrl=${encodeURIComponent(BACK)}`);
  assert.deepEqual([again.status, led(again).checkout], [303, 'success'], 'opened once more, it leads back');
  assert.equal(led(await anyone.form(path, { action: 'cancel', returnUrl: BACK })).checkout, 'success', 'what is paid is paid');
});

test('cancelling leads back, costs nothing, and leaves the link as it was', async () => {
  const { ada, plan, id, path } = await checkout();
  const cancelled = await anyone.form(path, { action: 'cancel', returnUrl: BACK });
  assert.deepEqual(led(cancelled), { x: '1', nvmState: 's t', checkout: 'cancelled', sessionId: id });
  assert.equal(await ada.balance(plan), '0');
  assert.equal((await anyone.form(path, { action: 'pay' })).status, 200);
  assert.equal(await ada.balance(plan), '100');
});

test('without a way back a page says how it went', async () => {
  const { path } = await checkout();
  assert.match((await anyone.form(path, { action: 'cancel' })).text, /Not paid/);
  assert.match((await anyone.form(path, { action: 'pay' })).text, /<h1>Paid/);
  assert.match((await anyone.get(path)).text, /<h1>Paid/);
});

test('a card that is declined, mistyped or of last year pays nothing, and can be tried again', async () => {
  const { ada, plan, path } = await checkout();
  for (const [number, expiry, reason] of [
    ['4000 0000 0000 0002', '12 / 34', 'Your card was declined.'],
    ['4000 0000 0000 0341', '12 / 34', 'Your card was declined.'],
    ['4242 4242 4242 4241', '12 / 34', 'This is not a card number.'],
    ['4242 4242 4242 4242', '12 / 20', 'Your card has expired.'],
    ['<script>', '12 / 34', 'This is not a card number.'],
  ]) {
    const { status, text } = await anyone.form(path, { action: 'pay', number, expiry, returnUrl: BACK });
    assert.equal(status, 402, number);
    assert.ok(text.includes(reason), number);
    assert.ok(!text.includes('<script>') && text.includes('role="alert"') && text.includes('name="returnUrl"'));
  }
  assert.equal(await ada.balance(plan), '0');
  assert.equal((await anyone.form(path, { action: 'pay', number: '5555 5555 5555 4444', expiry: '1/40' })).status, 200);
  assert.equal(await ada.balance(plan), '100');
});

test('credits may be on their way for a while', async () => {
  const { ada, plan, path } = await checkout();
  const page = await anyone.get(`${path}?delay=600`);
  assert.ok(page.text.includes('name="delay" value="600"'));
  await anyone.form(path, { action: 'pay', delay: '600' });
  assert.equal(await ada.balance(plan), '0');
  await anyone.form(path, { action: 'pay', delay: '0' });
  assert.equal(await ada.balance(plan), '0', 'paid once, the second time changes nothing');
  await ada.wait(601);
  assert.equal(await ada.balance(plan), '100');
});

test('a way back that is none is refused before anything is paid', async () => {
  const { ada, plan, path } = await checkout();
  for (const returnUrl of ['javascript:alert(1)', 'data:text/html,x', '/here', '//a.example', 'https://u:p@a.example/']) {
    assert.equal((await anyone.get(`${path}?returnUrl=${encodeURIComponent(returnUrl)}`)).status, 400, returnUrl);
    const { status, headers } = await anyone.form(path, { action: 'pay', returnUrl });
    assert.deepEqual([status, headers.get('location')], [400, null], returnUrl);
  }
  assert.equal((await anyone.get(`${path}?delay=soon`)).status, 400);
  assert.equal(await ada.balance(plan), '0');
});

test('a trial is bought once, by two links as well', async () => {
  const { ada, plan, path } = await checkout({ ...BY_CARD, isTrialPlan: true });
  const { json } = await ada.post('/api/v1/fiat/stripe/payment', { sessionType: 'embedded', planId: plan });
  await anyone.form(path, { action: 'pay' });
  const second = await anyone.form(new URL(json.result.checkoutLink).pathname, { action: 'pay' });
  assert.equal(second.status, 409);
  assert.equal(await ada.balance(plan), '100');
  assert.equal((await ada.post('/api/v1/fiat/stripe/payment', { planId: plan })).json.code, 'BCK.COMMON.0027');
});
