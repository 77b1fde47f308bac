// Buying by card and enrolling a card in a real browser: there and back, by redirect and by popup.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { click, open, outcome, sandbox, site, start } from './static-server.mjs';

const ZERO = `0x${'0'.repeat(40)}`;
let planId;

/** A plan that is paid by card; made once. */
async function sell() {
  const seller = await newAccount(sandbox.url, 'A seller');
  const answer = await fetch(`${sandbox.url}/api/v1/protocol/plans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${seller.nvmApiKey}`, 'nevermined-version': '1.1' },
    body: JSON.stringify({
      metadataAttributes: { name: 'By card', dateCreated: new Date().toISOString() },
      priceConfig: {
        tokenAddress: ZERO, amounts: ['5000000'], receivers: [seller.accountAddress], contractAddress: ZERO, feeController: ZERO,
        externalPriceAddress: ZERO, templateAddress: ZERO, isCrypto: false, currency: 'USD',
      },
      creditsConfig: { isRedemptionAmountFixed: true, redemptionType: 4, onchainMirror: false, durationSecs: '0', amount: '50', minAmount: '1', maxAmount: '1' },
      nonce: String(Date.now()), isTrialPlan: false, accessLimit: 'credits', currency: 'USD',
    }),
  });
  ({ planId } = await answer.json());
}

/** A page on which somebody is logged in, for as long as the tab is open. */
async function buyer() {
  if (!planId) await sell();
  const { nvmApiKey } = await newAccount(sandbox.url, 'A buyer');
  return open('/app', { storage: 'session', nvmApiKey });
}

const pay = (page, name = /^pay/i) => page.getByRole('button', { name }).first().click();

test('a checkout by redirect comes back and waits for the credits', async () => {
  const page = await buyer();
  assert.equal(await page.evaluate(() => payments.plans.checkoutReturned().then(String)), 'undefined', 'nothing was being bought');
  await page.evaluate((id) => { payments.plans.checkout(id, { returnUrl: '/app?keep=1#part' }); }, planId);
  await page.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  await pay(page);
  await page.waitForURL((url) => url.origin === site.url);
  await start(page, { storage: 'session' });
  const balance = await page.evaluate(() => payments.plans.checkoutReturned().then(({ balance }) => String(balance)));
  assert.equal(balance, '50');
  assert.equal(page.url(), `${site.url}/app?keep=1#part`);
  const again = () => page.evaluate(() => payments.plans.checkoutReturned().then((held) => String(held?.balance)));
  assert.equal(await again(), '50', 'a page load remembers what it brought');
  assert.equal(await page.evaluate(() => sessionStorage.getItem('payments-wasm.checkout')), null);
  await page.reload();
  await start(page, { storage: 'session' });
  assert.equal(await again(), 'undefined', 'and the next one has nothing to wait for');
});

test('a checkout by popup resolves when the credits are there', async () => {
  const page = await buyer();
  const opened = page.waitForEvent('popup');
  await click(page, `payments.plans.checkout('${planId}', { mode: 'popup', onProgress: ({ balance }) => window.notices.push(String(balance)) })`);
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  const closed = popup.waitForEvent('close');
  await pay(popup);
  await closed;
  assert.equal((await outcome(page)).value.balance, '50');
  assert.ok((await page.evaluate(() => notices)).includes('0'), 'progress was told');
});

test('a checkout that is cancelled says so, by redirect and by popup', async () => {
  const page = await buyer();
  await page.evaluate((id) => { payments.plans.checkout(id); }, planId);
  await page.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  await pay(page, /cancel/i);
  await page.waitForURL((url) => url.origin === site.url);
  await start(page, { storage: 'session' });
  const codes = () => page.evaluate(() => Promise.all([0, 1].map(() => payments.plans.checkoutReturned().then(String, ({ code }) => code))));
  assert.deepEqual(await codes(), ['checkout_cancelled', 'checkout_cancelled'], 'to whoever asks');
  assert.deepEqual(await codes(), ['checkout_cancelled', 'checkout_cancelled']);

  const opened = page.waitForEvent('popup');
  await click(page, `payments.plans.checkout('${planId}', { mode: 'popup' })`);
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  await pay(popup, /cancel/i);
  await popup.waitForURL((url) => url.origin === site.url);
  await start(popup, { storage: 'session' }).catch(() => {});
  assert.equal((await outcome(page)).code, 'checkout_cancelled');
});

test('what is kept of a checkout and cannot be read is dropped', async () => {
  const page = await buyer();
  for (const rubbish of ['{', '7', 'null', '{"planId":1}', '{"min":"5"}', '{"planId":"1","min":"x"}']) {
    await page.evaluate((text) => sessionStorage.setItem('payments-wasm.checkout', text), rubbish);
    assert.equal(await page.evaluate(() => payments.plans.checkoutReturned().then(String)), 'undefined', rubbish);
    assert.equal(await page.evaluate(() => sessionStorage.getItem('payments-wasm.checkout')), null);
  }
});

test('an aborted checkout closes its window', async () => {
  const page = await buyer();
  const opened = page.waitForEvent('popup');
  await click(page, `payments.plans.checkout('${planId}', { mode: 'popup', signal: (window.stop = new AbortController()).signal })`);
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  const closed = popup.waitForEvent('close');
  await page.evaluate(() => stop.abort());
  await closed;
  assert.equal((await outcome(page)).code, 'aborted');
});

test('a card is enrolled by redirect, with its state', async () => {
  const page = await buyer();
  await page.evaluate(() => { payments.delegation.setupCard({ provider: 'stripe' }); });
  await page.waitForURL((url) => url.pathname === '/cards/setup');
  assert.equal([...new URL(page.url()).searchParams.keys()].at(-1), 'network');
  await pay(page, /add card/i);
  await page.waitForURL((url) => url.origin === site.url);
  await start(page, { storage: 'session' });
  const card = await page.evaluate(() => payments.delegation.cardReturned());
  assert.ok(card.paymentMethodId && card.delegationId);
  assert.equal(page.url(), `${site.url}/app?keep=1#part`);
  const cards = await page.evaluate(() => payments.delegation.listPaymentMethods());
  assert.ok(cards.some(({ id }) => id === card.paymentMethodId));
  const power = await page.evaluate(() => payments.delegation.getPurchasingPower());
  assert.ok(power.byCurrency.usd > 0);
  assert.deepEqual(await page.evaluate(() => payments.delegation.cardReturned()), card, 'a page load remembers what it brought');
  await page.reload();
  await start(page, { storage: 'session' });
  assert.equal(await page.evaluate(() => payments.delegation.cardReturned().then(String)), 'undefined');
});

test('a card is enrolled by popup', async () => {
  const page = await buyer();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.delegation.setupCard({ mode: 'popup', provider: 'stripe' })");
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname === '/cards/setup');
  await pay(popup, /add card/i);
  await popup.waitForURL((url) => url.origin === site.url);
  await start(popup, { storage: 'session' }).catch(() => {});
  const { value } = await outcome(page);
  assert.ok(value?.paymentMethodId && value.delegationId, JSON.stringify(await outcome(page)));
});

test('a card that is planted is refused; parameters of the application’s own are left alone', async () => {
  const page = await buyer();
  await page.goto(`${site.url}/app?state=theirs&error=theirs`);
  await start(page, { storage: 'session' });
  assert.equal(await page.evaluate(() => payments.delegation.cardReturned().then(String)), 'undefined');
  assert.equal(page.url(), `${site.url}/app?state=theirs&error=theirs`);
  await page.evaluate(() => { payments.delegation.setupCard(); });
  await page.waitForURL((url) => url.pathname === '/cards/setup');
  await page.goto(`${site.url}/app?paymentMethodId=pm_evil&delegationId=d_evil&state=${'0'.repeat(32)}`);
  await start(page, { storage: 'session' });
  assert.equal(await page.evaluate(() => payments.delegation.cardReturned().catch(({ code }) => code)), 'card_state_mismatch');
  assert.equal(page.url(), `${site.url}/app`);
});
