// Answers of an unknown outcome that a wrapped `fetch` cannot copy: a repeated call gets them again, and pays nothing more (rule 5).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller(async ({ token }, response) => {
    if (!token) return need(response, offerOf(platform.planId, 1));
    await platform.settle(token, 1);
    response.writeHead(500).end('no');
  });
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

/** How the caller's `fetch` changes the answer to a token, and the status that the client sees. */
const ANSWERS = {
  'an error without a status': [() => Response.error(), 0],
  'a redirect that the runtime hides': [() => Object.defineProperties(new Response(null), {
    status: { value: 0 }, ok: { value: false }, type: { value: 'opaqueredirect' },
  }), 0],
  'a body that was read': [async (response) => { await response.text(); return response; }, 500],
  'a body that somebody else is reading': [(response) => { response.body.getReader(); return response; }, 500],
  'an answer that is no Response': [({ status, headers }) => ({ status, headers, ok: false }), 500],
};

describe('an answer that cannot be copied', () => {
  for (const [name, [make, status]] of Object.entries(ANSWERS)) {
    test(`${name}: three calls get it, and one is paid for`, async () => {
      const payments = await platform.buyer({ tokenVersion: 2 });
      const paid = seller.paid();
      const wrapped = payments.wrapFetch(async (request, init) => {
        const response = await fetch(request, init);
        return request.headers.has('payment-signature') ? make(response) : response;
      });
      for (let call = 0; call < 3; call++) {
        const response = await wrapped(`${seller.url}/${name.length}`, { method: 'POST', body: 'x', redirect: 'manual' });
        assert.equal(response.status, status);
        assert.equal(payments.paymentOf(response).spend.outcome, 'unknown');
      }
      assert.deepEqual([seller.paid() - paid, await payments.held(), payments.spend.credits], [1, 99n, 1n]);
    });
  }
});
