// Data that outlives a page and data that tabs share, in a real browser: the budget, the receipts, a pending order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balanceOf } from './user.mjs';
import { ask, buyer, context, keptBy, sandbox, servers, spent, start, tab, until } from './tabs.mjs';

test('two tabs that fetch at once never exceed the budget that they share', async () => {
  const who = await buyer();
  const options = { budget: { storage: 'local' }, policy: { maxCreditsTotal: 24 } };
  const tabs = [await tab(who, options), await tab(who, options)];
  // Once the terms are known, a fetch reserves as it begins; here thirty do at the same moment.
  for (const page of tabs) {
    assert.equal((await ask(page)).status, 200);
    await page.evaluate(() => {
      window.outcome = new Promise((done) => {
        new BroadcastChannel('go').onmessage = () => done(Promise.all(Array.from({ length: 15 }, () => ask())));
      });
    });
  }
  const starter = await tab(who);
  await starter.evaluate(() => new BroadcastChannel('go').postMessage('now'));
  const ends = (await Promise.all(tabs.map((page) => page.evaluate(() => outcome)))).flat();
  assert.equal(ends.filter(({ status }) => status === 200).length, 10, JSON.stringify(ends));
  assert.equal(ends.filter(({ code }) => code === 'budget_exceeded').length, 20);
  assert.equal(await balanceOf(servers, who.accountAddress), 76n, 'the ledger agrees');
  for (const page of tabs) {
    await until('each tab knows what both have spent', async () => (await spent(page)).credits === 24);
    assert.deepEqual(await spent(page), { credits: 24, hour: 24, receipts: 12 });
  }
  const kept = await keptBy(tabs[0]);
  assert.match(kept, /\ns - 24\n/);
  assert.ok(!kept.includes(who.nvmApiKey.slice(-20)) && !kept.includes('accessToken') && !kept.includes('eyJ'), 'no key and no token is kept');
});

test('what is fetched before the budget is taken up is counted against it all the same', async () => {
  const who = await buyer();
  const options = { budget: { storage: 'local' }, policy: { maxCreditsTotal: 2 } };
  const page = await tab(who, options);
  assert.equal((await ask(page)).status, 200);
  const ends = await page.evaluate(async ([backend, { nvmApiKey, delegationId }, given, url]) => {
    const { Payments } = await import('/pkg/index.js');
    const again = Payments.getBrowserInstance({ returnUrl: '/', environment: 'custom', backend, nvmApiKey, delegationConfig: { delegationId }, approve: () => true, ...given });
    const calls = [];
    // Another tab holds the budget for a while.
    const request = navigator.locks.request.bind(navigator.locks);
    navigator.locks.request = async (...args) => {
      await new Promise((done) => setTimeout(done, 500));
      return request(...args);
    };
    // Some at once, and some while it is being taken up.
    for (let times = 0; times < 6; times += 1) {
      calls.push(again.fetch(url, { method: 'POST', body: '{"question":"1 + 1?"}' }).then(({ response }) => response.status, ({ code }) => code));
      await new Promise((done) => setTimeout(done, times));
    }
    return Promise.all(calls);
  }, [servers.sandbox.url, who, options, `${servers.paywall.url}/ask`]);
  assert.deepEqual(new Set(ends), new Set(['budget_exceeded']));
  assert.equal(await balanceOf(servers, who.accountAddress), 98n);
});

test('tabs with budgets of different names, and instances with none, share nothing', async () => {
  const who = await buyer();
  const limit = { policy: { maxCreditsTotal: 2 } };
  const pages = [await tab(who, { ...limit, budget: { storage: 'local', name: 'one' } }), await tab(who, { ...limit, budget: { storage: 'local', name: 'two' } }), await tab(who, limit)];
  for (const page of pages) {
    assert.equal((await ask(page)).status, 200);
    assert.equal((await ask(page)).code, 'budget_exceeded');
  }
});

for (const storage of ['session', 'local']) {
  test(`a budget in ${storage} storage survives a reload, with its books`, async () => {
    const who = await buyer();
    const options = { budget: { storage }, policy: { maxCreditsPerHour: 4 } };
    const page = await tab(who, options);
    assert.equal((await ask(page)).status, 200);
    await page.reload();
    await start(page, who, options);
    assert.deepEqual(await spent(page), { credits: 2, hour: 2, receipts: 1 });
    const [receipt] = await page.evaluate(() => payments.spend.receipts.map(({ at, creditsSettled, origin, outcome }) => [at instanceof Date, String(creditsSettled), origin, outcome]));
    assert.deepEqual(receipt, [true, '2', servers.paywall.url, 'settled']);
    assert.equal((await ask(page)).status, 200);
    assert.equal((await ask(page)).code, 'budget_exceeded');
    assert.equal((await page.evaluate(() => payments.exportReceipts('csv'))).trim().split('\r\n').length, 3);
    const other = await tab(who, options);
    assert.equal((await ask(other)).code, storage === 'local' ? 'budget_exceeded' : undefined);
  });
}

test('a tab that is killed: what it had sent stays counted, what it was about to send is let go', async () => {
  const who = await buyer();
  const { delegationId } = await buyer();
  const options = { budget: { storage: 'local' }, policy: { maxCreditsTotal: 6 } };
  const [doomed, heir] = [await tab(who, options), await tab(who, options)];
  assert.equal((await ask(doomed)).status, 200);
  // One that gets no answer, and one that waits for a token of another delegation.
  let held = 0;
  const hold = () => { held += 1; };
  await doomed.route(`${servers.paywall.url}/ask`, hold);
  await doomed.evaluate(() => { ask(); });
  await until('a payment is on the wire', () => held === 1);
  await doomed.route('**/x402/permissions', hold);
  await doomed.evaluate((id) => { ask({ delegationConfig: { delegationId: id } }); }, delegationId);
  await until('a mint is under way', () => held === 2);
  assert.equal((await ask(heir)).code, 'budget_exceeded', 'two are spent, two on the wire, two reserved');

  const killed = doomed.waitForEvent('crash');
  doomed.goto('chrome://crash').catch(() => {});
  await killed;
  assert.equal((await ask(heir)).status, 200, 'what was reserved is let go');
  assert.equal((await ask(heir)).code, 'budget_exceeded', 'what was on the wire counts');
  assert.equal((await spent(heir)).credits, 6);
});

/** Asked, they look at the balance and buy if need be. */
test('where a budget cannot be kept the option is refused', async () => {
  const who = await buyer();
  for (const [name, storage, spoil] of [
    ['no Web Locks', 'local', () => Object.defineProperty(navigator, 'locks', { value: undefined })],
    ['no Web Locks', 'session', () => Object.defineProperty(navigator, 'locks', { value: undefined })],
    ['no IndexedDB', 'local', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    ['it may not be opened', 'local', () => { IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }; }],
    ['it may not be written', 'local', () => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; }],
    ['no sessionStorage', 'session', () => Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } })],
    ['it is full', 'session', () => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }],
  ]) {
    const page = await context.newPage();
    await page.goto(`${servers.page.url}/config.json`);
    await page.evaluate(spoil);
    const refused = await start(page, who, { budget: { storage } }).then(() => undefined, ({ message }) => message);
    assert.match(refused ?? '', new RegExp(`a budget with storage '${storage}' cannot be kept here`), name);
    await page.close();
  }
  const page = await context.newPage();
  await page.goto(`${servers.page.url}/config.json`);
  for (const [budget, said] of [
    [{}, 'budget.storage is missing'], [{ storage: 'memory' }, "budget.storage must be 'session' or 'local'"], [{ storage: 'toString' }, "budget.storage must be 'session' or 'local'"],
    [{ storage: 'local', name: 7 }, 'budget.name must be a string'], [{ storage: 'local', name: 'x'.repeat(101) }, 'budget.name must be at most 100 characters'],
    [{ storage: 'local', nmae: 'x' }, 'budget.nmae is not an option; did you mean name?'], ['local', 'budget must be an object'],
  ]) {
    const refused = await start(page, who, { budget }).then(() => undefined, ({ message }) => message);
    assert.ok(refused?.includes(said), `${JSON.stringify(budget)}: ${refused}`);
  }
});

test('what cannot be kept is not spent, and an answer that was paid for is handed over', async () => {
  const who = await buyer();
  const page = await tab(who, { budget: { storage: 'local' } });
  await page.evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    window.spoil = () => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; };
    window.mend = () => { IDBObjectStore.prototype.put = put; };
    spoil();
  });
  const refused = await ask(page);
  assert.deepEqual([refused.code, refused.outcome], ['storage_unavailable', 'none']);
  assert.equal(await balanceOf(servers, who.accountAddress), 100n);
  await page.evaluate(() => mend());
  assert.equal((await ask(page)).status, 200);

  let release;
  await page.route(`${servers.paywall.url}/ask`, async (route) => {
    await new Promise((done) => { release = done; });
    await route.continue();
  });
  await page.evaluate(() => { window.outcome = ask(); });
  await until('a payment is on the wire', () => release);
  await page.evaluate(() => spoil());
  release();
  assert.deepEqual(await page.evaluate(() => outcome), { status: 200, outcome: 'settled' });
  assert.equal(await balanceOf(servers, who.accountAddress), 96n);
});

test('a kept budget that cannot be read throws nothing and gives no credit', async () => {
  const who = await buyer();
  for (const garbage of ['s', 'm 1 2', '\u0000', 'x'.repeat(600_000), 's - 1\nr', '{"spent":0}', 'r a 1\n']) {
    const page = await context.newPage();
    await page.goto(`${servers.page.url}/config.json`);
    await page.evaluate((text) => {
      sessionStorage.setItem('payments-wasm.budget.default', text);
      sessionStorage.setItem('payments-wasm.budget.default.receipts', `[1,{"at":"never"},null]${text}`);
      localStorage.setItem('payments-wasm.orders', text);
    }, garbage);
    for (const again of [false, true]) {
      if (again) await page.reload();
      await start(page, who, { budget: { storage: 'session' } });
      assert.equal((await ask(page, { policy: { maxCreditsPerDay: 1_000_000 } })).code, 'budget_exceeded', garbage.slice(0, 20));
      assert.equal((await ask(page)).status, 200, 'without a limit there is nothing to exceed');
    }
    await page.close();
  }
});

for (const storage of ['session', 'local']) {
  test(`a page goes on counting where somebody has cleared its ${storage} budget`, async () => {
    const who = await buyer();
    const page = await tab(who, { budget: { storage }, policy: { maxCreditsTotal: 4 } });
    const ends = [];
    for (let times = 0; times < 3; times += 1) {
      const { status, code } = await ask(page);
      ends.push(status ?? code);
      await page.evaluate(async () => {
        sessionStorage.clear();
        localStorage.clear();
        await new Promise((done) => { indexedDB.deleteDatabase('payments-wasm.budget').onsuccess = done; });
      });
    }
    assert.deepEqual(ends, [200, 200, 'budget_exceeded']);
    assert.equal(await balanceOf(servers, who.accountAddress), 96n);
  });
}

test('an abort and a logout end what waits for a shared budget', async () => {
  const who = await buyer();
  const page = await tab(who, { budget: { storage: 'local' } });
  const hold = () => {};
  await page.route('**/x402/permissions', hold);
  await page.evaluate((url) => {
    const stop = new AbortController();
    const end = (signal) => payments.fetch(url, { method: 'POST', body: '{}', signal }).then(() => 'paid', ({ code }) => code);
    window.ends = Promise.all([end(stop.signal), end()]);
    window.stop = () => stop.abort();
  }, `${servers.paywall.url}/ask`);
  await until('both have reserved', async () => /^r \S+ 4$/m.test(await keptBy(page)));
  await page.evaluate(() => stop());
  await until('one has let go', async () => /^r \S+ 2$/m.test(await keptBy(page)));
  await page.evaluate(() => payments.logout());
  assert.deepEqual(await page.evaluate(() => ends), ['aborted', 'session_ended']);
  await until('both have let go', async () => !/^r /m.test(await keptBy(page)));
});

test('a time limit that is over while the budget is being stored: nothing is sent then, and nothing counts', async () => {
  const who = await buyer();
  const page = await tab(who, { budget: { storage: 'local' } });
  await page.route('**/x402/permissions', async (route) => {
    const response = await route.fetch();
    await page.evaluate(() => { window.minted = true; });
    await route.fulfill({ response });
  });
  const LIMIT = 123_456;
  await page.evaluate((limit) => {
    // The limit is over when the test says so: once the step that commands the send is taken, and before it is stored.
    let over;
    const later = window.setTimeout;
    window.setTimeout = (work, ms, ...given) => {
      if (ms !== limit) return later(work, ms, ...given);
      over = () => work(...given);
      return 0;
    };
    const request = navigator.locks.request.bind(navigator.locks);
    navigator.locks.request = (name, options, work) => request(name, options, async (lock) => {
      const done = await work(lock);
      if (window.minted) over();
      window.minted = false;
      return done;
    });
  }, LIMIT);
  const { code, outcome } = await page.evaluate((platform) => ask({ timeouts: { platform } }), LIMIT);
  assert.deepEqual([code, outcome], ['send_timeout', 'none']);
  assert.equal(await page.evaluate(() => Number(payments.spend.credits)), 0);
  // The next call is paid as if there had been no other.
  assert.deepEqual(await page.evaluate(() => ask()), { status: 200, outcome: 'settled' });
  assert.equal(await page.evaluate(() => Number(payments.spend.credits)), 2);
  assert.equal(await balanceOf(servers, who.accountAddress), 98n);
});
