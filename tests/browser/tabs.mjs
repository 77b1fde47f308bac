// Tabs of one browser, with a demo behind them, and the buyers in them. Each file that imports it has a browser and servers of its own.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { launch } from './user.mjs';

export let servers;
let browser;
export let context;

before(async () => {
  servers = await startDemoServers();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await servers?.stop();
});
beforeEach(async () => (context = await browser.newContext()));
afterEach(async () => {
  await context.close();
  await sandbox('DELETE', '/sandbox/calls');
  await sandbox('POST', '/sandbox/clock', { reset: true });
  await sandbox('POST', '/sandbox/settings', { creditsDelaySecs: 0 });
});

export async function sandbox(method, path, body) {
  const answer = await fetch(servers.sandbox.url + path, {
    method, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
}

/** Somebody with a delegation, and with the plan's hundred credits unless they are to buy them. */
export async function buyer({ rich = true } = {}) {
  const account = await newAccount(servers.sandbox.url, 'A buyer');
  const call = async (path, body) => (await fetch(servers.sandbox.url + path, {
    method: 'POST', headers: { authorization: `Bearer ${account.nvmApiKey}`, 'content-type': 'application/json', 'nevermined-version': '1.1' },
    body: JSON.stringify(body),
  })).json();
  const terms = { provider: 'erc4337', spendingLimitCents: 10_000, durationSecs: 86_400, currency: 'usdc' };
  const { delegationId } = await call('/api/v1/delegation/create', terms);
  if (rich) await call(`/api/v1/protocol/plans/${servers.planId}/order`);
  await sandbox('DELETE', '/sandbox/calls');
  return { ...account, delegationId };
}

/**
 * A tab with an instance of the buyer's; what it is made with says the rest. Its policy names the seller, and trusts it to take no more
 * than it asks: so each answer counts for two credits, and not for the ten that the plan allows.
 */
export async function tab(who, options = {}, page = undefined) {
  page ??= await context.newPage();
  page.setDefaultTimeout(15_000);
  if (page.url() === 'about:blank') await page.goto(`${servers.page.url}/config.json`);
  await start(page, who, options);
  return page;
}

export const start = (page, { nvmApiKey, delegationId }, options) => page.evaluate(async ([backend, { buys, policy, ...given }, ask]) => {
  const { Payments } = await import('/pkg/index.js');
  if (buys) {
    given.approve = async (offer, context) => {
      const { balance } = await context.balance();
      return { approve: true, purchase: balance < offer.credits };
    };
  }
  const trusting = (limits) => ({ origins: [new URL(ask).origin], count: 'price', ...limits });
  window.payments = await Payments.getBrowserInstance({ returnUrl: '/', environment: 'custom', backend, policy: trusting(policy), ...given }).ready();
  // The result of a fetch, as data.
  window.ask = ({ policy, ...options } = {}) => payments.fetch(ask, { method: 'POST', body: '{"question":"1 + 1?"}' }, { ...options, ...(policy && { policy: trusting(policy) }) }).then(
    ({ response, spend }) => ({ status: response.status, outcome: spend.outcome }),
    ({ code, message, spend }) => ({ code, message, outcome: spend?.outcome, purchases: spend?.purchases }));
}, [servers.sandbox.url, { nvmApiKey, delegationConfig: { delegationId }, ...options }, `${servers.paywall.url}/ask`]);

export const ask = (page, options) => page.evaluate((given) => ask(given), options);
export const spent = (page) => page.evaluate(() => ({ credits: Number(payments.spend.credits), hour: Number(payments.spend.inLastHour), receipts: payments.spend.receipts.length }));

/** Waits until something holds. */
export async function until(what, holds) {
  for (let times = 0; times < 600; times += 1) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`${what}: not within half a minute`);
}

/** All data that a page has stored, as text. */
export const keptBy = (page) => page.evaluate(async () => {
  const all = [JSON.stringify(sessionStorage), JSON.stringify(localStorage)];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((done) => { indexedDB.open(name).onsuccess = ({ target }) => done(target.result); });
    for (const store of database.objectStoreNames) {
      const values = await new Promise((done) => { database.transaction(store).objectStore(store).getAll().onsuccess = ({ target }) => done(target.result); });
      all.push(...values.map(String));
    }
    database.close();
  }
  return all.join('\n');
});
