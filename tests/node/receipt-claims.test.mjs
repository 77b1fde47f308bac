// The seller's word, against a real ledger: whatever it answers, no more is burned than the limit, and nothing is bought.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { base64, need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform?.stop());

const receipt = (more) => ({ success: true, transaction: '0x1', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98', ...more });
const ANSWERS = {
  '402 with the offer': (response) => need(response, offerOf(platform.planId)),
  '402 with another offer': (response) => need(response, offerOf(platform.planId, 3)),
  '402 alone': (response) => response.writeHead(402).end('pay'),
  '402 with a receipt that says no': (response) => response.writeHead(402, { 'payment-response': base64(receipt({ success: false })) }).end(),
  '500': (response) => response.writeHead(500).end(),
  '200 with a receipt that says no': (response) => response.writeHead(200, { 'payment-response': base64(receipt({ success: false })) }).end(),
  '200 with nothing redeemed': (response) => response.writeHead(200, { 'payment-response': base64(receipt({ creditsRedeemed: '0' })) }).end(),
  'a lost connection': (response) => response.destroy(),
};

describe('a limit of twenty, and a seller that settles and then says otherwise', { concurrency: 4 }, () => {
  for (const [name, answer] of Object.entries(ANSWERS)) {
    for (const tokenVersion of [2, 3]) {
      test(`${name}, tokenVersion ${tokenVersion}`, async (t) => {
        // The plan lets a seller take ten at a time: this one takes all of it.
        const seller = await startSeller(async ({ token }, response) => {
          if (!token) return need(response, offerOf(platform.planId));
          await platform.settle(token, 10);
          return answer(response);
        });
        t.after(() => seller.stop());
        const payments = await platform.buyer({ approve: undefined, tokenVersion, policy: { origins: [seller.url], maxCreditsTotal: 20 } });
        let last;
        for (let i = 0; i < 8; i++) last = await payments.fetch(`${seller.url}/ask`).catch((error) => error);
        assert.equal(last.code, 'budget_exceeded');
        assert.equal(100n - await payments.held(), 20n, 'the ledger');
        assert.equal(payments.spend.credits, 20n, 'the budget');
      });
    }
  }

  for (const [name, more] of [['nothing is left', { remainingBalance: '0' }], ['a million is left', { remainingBalance: '1000000' }], ['more than there is was redeemed', { creditsRedeemed: String(2n ** 256n - 1n) }], ['a plan was bought', { orderTx: '0x2' }]]) {
    test(`a receipt that says that ${name} orders nothing, confirms nothing and stops nothing`, async (t) => {
      const seller = await startSeller(async ({ token }, response) => {
        if (!token) return need(response, offerOf(platform.planId));
        await platform.settle(token);
        response.writeHead(200, { 'payment-response': base64(receipt(more)) }).end('ok');
      });
      t.after(() => seller.stop());
      const policy = { origins: ['*'], purchase: true, plans: [platform.planId], maxCreditsTotal: 1000 };
      const payments = await platform.buyer({ approve: undefined, policy });
      for (let i = 0; i < 5; i++) {
        const { spend } = await payments.fetch(`${seller.url}/ask`);
        assert.equal(spend.purchases.filter(({ confirmed }) => confirmed).length, 0);
      }
      assert.equal(await payments.held(), 90n, 'five times two were burned, and nothing was ordered');
      assert.equal(payments.spend.credits, 50n);
    });
  }
});

describe('purchase: false, and a seller that says that there is plenty left: the platform buys nothing from the delegation', { concurrency: 4 }, () => {
  const DYNAMIC = { maxAmount: '10' };
  const FIXED = { minAmount: '7', maxAmount: '7', isRedemptionAmountFixed: true };
  // The balance is a hundred; the limit of one settlement, and the number of settlements that use the balance up.
  for (const [name, credits, most, times] of [['a dynamic plan', DYNAMIC, 10, 10], ['a fixed plan that is dearer than the offer', FIXED, 7, 14]]) {
    for (const tokenVersion of [undefined, 2]) {
      test(`${name}, tokenVersion ${tokenVersion}`, async (t) => {
        const planId = await platform.seller.plan({ credits });
        const seller = await startSeller(async ({ token }, response) => {
          if (!token) return need(response, offerOf(planId, 1));
          const { status, text } = await platform.seller.settle(planId, token, most);
          assert.ok(status < 300, text);
          response.writeHead(200, { 'payment-response': base64(receipt({ creditsRedeemed: '1', remainingBalance: '1000000' })) }).end('ok');
        });
        t.after(() => seller.stop());
        const payments = await platform.buyer({ approve: undefined, tokenVersion, policy: { origins: [seller.url], purchase: false } }, { credits: false });
        await payments.own.order(planId);
        let last;
        for (let i = 0; i <= times; i++) last = await payments.fetch(`${seller.url}/ask`).catch((error) => error);
        assert.equal(last.code, 'insufficient_credits');
        assert.deepEqual([seller.paid(), Number(await payments.own.balance(planId))], [times, 100 - times * most]);
      });
    }
  }
});
