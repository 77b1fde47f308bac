// How long `wrapFetch` takes a repeated request for the same one. A file of its own: the clock of the process is moved.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { need, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform?.stop());

for (const tokenVersion of [2, 3]) {
  test(`the same request is the earlier one for ten minutes, and another payment after them, tokenVersion ${tokenVersion}`, async (t) => {
    const seller = await startSeller(async ({ token }, response) => {
      if (!token) return need(response, offerOf(platform.planId));
      await platform.settle(token).catch(() => {});
      return response.writeHead(500).end('broken');
    });
    t.after(() => seller.stop());
    const payments = await platform.buyer({ tokenVersion });
    const send = payments.wrapFetch();
    const ask = () => send(`${seller.url}/ask`, { method: 'POST', body: 'why?' });
    const { now } = Date;
    let later = 0;
    t.mock.method(Date, 'now', () => now() + later);
    const burned = async () => Number(100n - await payments.held());
    await ask();
    later = 9.5 * 60_000;
    await ask();
    assert.equal(await burned(), 2, 'within ten minutes');
    // Counted from the last answer: a token that was presented again is as open as it was.
    later += 10.5 * 60_000;
    assert.equal((await ask()).status, 500);
    assert.equal(await burned(), 4, 'after them');
  });
}
