// Orders in tabs: what a killed tab ordered, an order that is waited for in another tab, credits that never come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balanceOf, callsOf } from './user.mjs';
import { ask, buyer, context, keptBy, sandbox, servers, start, tab, until } from './tabs.mjs';

const BUYS = { buys: true };
/** Buys without a question. The wait for credits ends soon. */
const auto = (limits) => ({ policy: { purchase: true, plans: [servers.planId], ...limits } });
const SOON = { timeouts: { credits: 1000 } };
const FULL = () => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; };

async function slowCredits() {
  const who = await buyer({ rich: false });
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 600 });
  return who;
}

for (const [name, options, answered] of [
  ['sent, its answer not come', {}, false],
  ['answered, its credits not come', {}, true],
  ['answered, its credits not come, in a budget of all tabs', { budget: { storage: 'local' } }, true],
  ['sent, its answer not come, in a budget of the tab', { budget: { storage: 'session' } }, false],
]) {
  test(`a page that is loaded again in the middle of a purchase (${name}) waits and pays, without a second order`, async () => {
    const who = await buyer({ rich: false });
    await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 600 });
    const page = await tab(who, { ...options, ...BUYS });
    let ordered = 0;
    await page.route('**/order', async (route) => {
      const response = await route.fetch();
      ordered += 1;
      if (answered) await route.fulfill({ response });
    });
    const balances = [];
    page.on('request', (request) => request.url().includes('/balance/') && balances.push(request.url()));
    await page.evaluate(() => { ask(); });
    await until('the order has gone out', () => ordered === 1);
    if (answered) await until('its credits are awaited', () => balances.length > 2);
    await page.reload();

    await start(page, who, { ...options, ...BUYS });
    await page.evaluate(() => { window.outcome = Promise.all([ask(), ask()]); });
    balances.length = 0;
    await until('its credits are awaited', () => balances.length > 2);
    await sandbox('POST', '/sandbox/clock', { advanceSecs: 600 });
    assert.deepEqual(await page.evaluate(() => outcome), [{ status: 200, outcome: 'settled' }, { status: 200, outcome: 'settled' }]);
    assert.equal((await callsOf(servers)).orders, 1);
    assert.equal(await balanceOf(servers, who.accountAddress), 96n, 'nothing was topped up either');
    assert.doesNotMatch(await keptBy(page), /(^|\\n|")o /im, 'and it is done with');
  });
}

test('an order whose credits never come ends in a clear error, and the plan can be ordered by name', async () => {
  const who = await buyer({ rich: false });
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 80_000 });
  const page = await context.newPage();
  await page.clock.install();
  await tab(who, BUYS, page);
  let ordered = 0;
  await page.route('**/order', async (route) => {
    await route.fetch();
    ordered += 1;
  });
  await page.evaluate(() => { ask(); });
  await until('the order has gone out', () => ordered === 1);
  await page.reload();
  await page.unroute('**/order');
  await start(page, who, BUYS);
  await page.evaluate(() => { ask().then((end) => (window.end = end)); });
  await until('it ends', async () => {
    await page.clock.fastForward(5_000);
    return page.evaluate(() => Boolean(window.end));
  });
  const { code, outcome, purchases } = await page.evaluate(() => end);
  assert.deepEqual([code, outcome, purchases.length, purchases[0].confirmed], ['purchase_pending', 'none', 1, false]);
  assert.equal((await callsOf(servers)).orders, 1);
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 0 });
  await page.evaluate((id) => payments.plans.orderPlan(id), servers.planId);
  assert.equal((await ask(page)).status, 200);
  assert.equal((await callsOf(servers)).orders, 1, 'the one that was asked for');
});

test('two tabs with one budget buy a plan once', async () => {
  const who = await buyer({ rich: false });
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 600 });
  const options = { ...BUYS, budget: { storage: 'local' } };
  const tabs = [await tab(who, options), await tab(who, options)];
  for (const page of tabs) await page.evaluate(() => { window.outcome = Promise.all([ask(), ask()]); });
  const calls = async () => (await fetch(`${servers.sandbox.url}/sandbox/calls`)).json();
  await until('both look for the credits', async () => (await calls()).filter(({ path }) => path.includes('/balance/')).length > 6);
  await sandbox('POST', '/sandbox/clock', { advanceSecs: 600 });
  for (const page of tabs) assert.deepEqual((await page.evaluate(() => outcome)).map(({ status }) => status), [200, 200]);
  assert.equal((await callsOf(servers)).orders, 1);
});

test('an order that one tab sent and that was not answered is waited for in another, though they share no budget', async () => {
  const who = await buyer({ rich: false });
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 600 });
  const [first, second] = [await tab(who, BUYS), await tab(who, BUYS)];
  let ordered = 0;
  await first.route('**/order', async (route) => {
    await route.fetch();
    ordered += 1;
  });
  await first.evaluate(() => { ask(); });
  await until('the order has gone out', () => ordered === 1);
  const balances = [];
  second.on('request', (request) => request.url().includes('/balance/') && balances.push(request.url()));
  await second.evaluate(() => { window.outcome = ask(); });
  await until('its credits are awaited', () => balances.length > 2);
  await sandbox('POST', '/sandbox/clock', { advanceSecs: 600 });
  assert.deepEqual(await second.evaluate(() => outcome), { status: 200, outcome: 'settled' });
  assert.equal((await callsOf(servers)).orders, 1);
  assert.equal(await balanceOf(servers, who.accountAddress), 98n);
});

for (const [name, one, other] of [
  ['a budget of all tabs and none', { budget: { storage: 'local' } }, {}],
  ['no budget and one of all tabs', {}, { budget: { storage: 'local' } }],
  ['budgets of different names', { budget: { storage: 'local', name: 'a' } }, { budget: { storage: 'local', name: 'b' } }],
  ['a budget of each tab', { budget: { storage: 'session' } }, { budget: { storage: 'session' } }],
]) {
  test(`an order whose credits have not come blocks another in every tab: ${name}`, async () => {
    const who = await slowCredits();
    const [first, second] = [await tab(who, { ...auto(), ...one }), await tab(who, { ...auto(), ...other })];
    assert.equal((await ask(first, SOON)).code, 'credits_timeout');
    assert.equal((await ask(second, SOON)).code, 'credits_timeout');
    assert.equal((await callsOf(servers)).orders, 1);
    await sandbox('POST', '/sandbox/clock', { advanceSecs: 600 });
    assert.equal((await ask(second)).status, 200);
    assert.doesNotMatch(await keptBy(second), /^O /im, 'and it is done with');
  });
}

test('tabs that want to buy at the same moment order once, though no localStorage tells them of each other', async () => {
  const who = await slowCredits();
  const tabs = await Promise.all(Array.from({ length: 4 }, () => tab(who, auto())));
  for (const page of tabs) {
    await page.evaluate(FULL);
    await page.evaluate((options) => {
      window.outcome = new Promise((done) => { new BroadcastChannel('go').onmessage = () => done(ask(options)); });
    }, SOON);
  }
  await (await tab(who)).evaluate(() => new BroadcastChannel('go').postMessage('now'));
  for (const page of tabs) assert.equal((await page.evaluate(() => outcome)).code, 'credits_timeout');
  assert.equal((await callsOf(servers)).orders, 1);
});

test('a page whose localStorage is full orders once, however often it is loaded', async () => {
  const who = await slowCredits();
  const page = await tab(who, auto());
  for (const again of [false, true]) {
    if (again) {
      await page.reload();
      await start(page, who, auto());
    }
    await page.evaluate(FULL);
    assert.equal((await ask(page, SOON)).code, 'credits_timeout');
  }
  assert.equal((await callsOf(servers)).orders, 1);
});

test('an order that cannot be stored any more is not sent, and the page pays all the same', async () => {
  const who = await slowCredits();
  const page = await tab(who, auto({ maxPurchasesPerHour: 2 }));
  const fail = () => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; };
  // The orders are taken up, and the balance is not read yet.
  await page.route('**/balance/**', async (route) => {
    await page.evaluate(fail);
    await route.continue();
  });
  const { code, outcome, purchases } = await ask(page);
  assert.deepEqual([code, outcome, purchases], ['storage_unavailable', 'none', []]);
  assert.equal((await callsOf(servers)).orders, 0);
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 0 });
  await page.evaluate((id) => payments.plans.orderPlan(id), servers.planId);
  assert.equal((await ask(page)).status, 200);
});

test('a page that has only localStorage for its orders knows them when somebody has cleared it', async () => {
  const who = await slowCredits();
  const page = await context.newPage();
  await page.goto(`${servers.page.url}/config.json`);
  await page.evaluate(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
  await start(page, who, auto());
  assert.equal((await ask(page, SOON)).code, 'credits_timeout');
  for (const spoil of [() => localStorage.clear(), () => localStorage.removeItem('payments-wasm.orders')]) {
    await page.evaluate(spoil);
    assert.equal((await ask(page, SOON)).code, 'credits_timeout');
    assert.match(await page.evaluate(() => localStorage.getItem('payments-wasm.orders') ?? ''), /^O \S+ 0$/m);
  }
  assert.equal((await callsOf(servers)).orders, 1);
});

for (const [name, options] of [['no budget', {}], ['a budget of all tabs', { budget: { storage: 'local' } }], ['a budget of the tab', { budget: { storage: 'session' } }]]) {
  test(`an order by hand that is not answered keeps a fetch in another tab from ordering: a tab with ${name}`, async () => {
    const who = await slowCredits();
    const [first, second] = [await tab(who, options), await tab(who, auto())];
    let ordered = 0;
    await first.route('**/order', async (route) => {
      await route.fetch();
      ordered += 1;
    });
    await first.evaluate((id) => { payments.plans.orderPlan(id).catch(() => {}); }, servers.planId);
    await until('the order has gone out', () => ordered === 1);
    assert.equal((await ask(second, SOON)).code, 'credits_timeout');
    assert.equal((await callsOf(servers)).orders, 1);
  });

  test(`an order by hand goes out when all tabs know of it: a tab with ${name}`, async () => {
    const who = await slowCredits();
    const [first, second] = [await tab(who, options), await tab(who, {})];
    let ordered = 0;
    await first.route('**/order', async (route) => {
      ordered += 1;
      await route.continue();
    });
    await second.evaluate(() => new Promise((has) => {
      navigator.locks.request('payments-wasm.budget', () => new Promise((free) => {
        window.free = free;
        has();
      }));
    }));
    await first.evaluate((id) => { window.order = payments.plans.orderPlan(id); }, servers.planId);
    await until('it waits for the others', () => first.evaluate(async () => (await navigator.locks.query()).pending.length > 0));
    // A request of the same page that is made later has been answered.
    await first.evaluate(() => fetch('/config.json').then((response) => response.text()));
    assert.equal(ordered, 0);
    await second.evaluate(() => free());
    assert.equal((await first.evaluate(() => order)).success, true);
    assert.match(await keptBy(second), /^o \S+ 0$/m);
  });
}

test('an order by hand goes out though nobody can be told of it', async () => {
  const who = await buyer({ rich: false });
  const page = await tab(who, { budget: { storage: 'local' } });
  await page.evaluate(() => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; });
  assert.equal((await page.evaluate((id) => payments.plans.orderPlan(id), servers.planId)).success, true);
  assert.equal((await callsOf(servers)).orders, 1);
});

test('an order by hand that could not be stored keeps a fetch of its page from ordering once it can be', async () => {
  const who = await slowCredits();
  // It takes up the orders of all tabs, and stores that there are none.
  await (await tab(who, auto())).evaluate((url) => payments.quote(url, { method: 'POST', body: '{"question":"1 + 1?"}' }), `${servers.paywall.url}/ask`);
  const page = await tab(who, auto());
  let ordered = 0;
  await page.route('**/order', async (route) => {
    await route.fetch();
    ordered += 1;
  });
  await page.evaluate((id) => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };
    window.repair = () => { IDBObjectStore.prototype.put = put; };
    payments.plans.orderPlan(id).catch(() => {});
  }, servers.planId);
  await until('the order has gone out', () => ordered === 1);
  await page.evaluate(() => repair());
  assert.equal((await ask(page, SOON)).code, 'credits_timeout');
  assert.equal((await callsOf(servers)).orders, 1);
  assert.match(await keptBy(page), /^o \S+ 0$/m, 'the other tabs know of it too');
});

test('an order by hand that waits is not sent in the name of who logs in meanwhile', async () => {
  const who = await buyer({ rich: false });
  const [first, second] = [await tab(who), await tab(who)];
  await second.evaluate(() => new Promise((has) => {
    navigator.locks.request('payments-wasm.budget', () => new Promise((free) => {
      window.free = free;
      has();
    }));
  }));
  await first.evaluate((id) => { window.order = payments.plans.orderPlan(id).catch(({ code }) => code); }, servers.planId);
  await until('it waits', () => first.evaluate(async () => (await navigator.locks.query()).pending.length > 0));
  await first.evaluate(() => payments.logout());
  await second.evaluate(() => free());
  assert.equal(await first.evaluate(() => order), 'session_ended');
  assert.equal((await callsOf(servers)).orders, 0);
});
