// A good citizen of `fetch` and of logs: what only the runtime knows goes along, results and errors have JSON, stacks show the caller.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { inspect } from 'node:util';
import { Payments as Seller } from '../../target/dist/subscriber/builder.js';
import { PaymentsError, SessionExpired, Payments } from '../../target/dist/subscriber/index.js';
import { base64, failure, need, offerOf, startPlatform, startSeller } from './harness.mjs';

const exec = promisify(execFile);
let platform;
let seller;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller(async (one, response) => {
    if (!one.token || one.url === '/no') return need(response, offerOf(platform.planId, 2));
    response.writeHead(200, { 'payment-response': await platform.settle(one.token) }).end('done');
  });
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

describe('members of init that only the runtime knows go along, on every send', () => {
  const real = globalThis.fetch;
  after(() => { globalThis.fetch = real; });
  const OWN = { next: { revalidate: 60, tags: ['a'] }, proxy: 'http://proxy.example:3128', tls: { rejectUnauthorized: true }, client: { a: 1 }, cf: { cacheTtl: 5 }, verbose: true };
  for (const [name, value] of Object.entries(OWN)) {
    test(name, async () => {
      const heard = [];
      const payments = await platform.buyer();
      globalThis.fetch = (input, init) => { if (String(input.url ?? input).startsWith(seller.url)) heard.push(init); return real(input, init); };
      await payments.fetch(`${seller.url}/${name}`, { [name]: value, headers: { 'x-mine': '1' } });
      globalThis.fetch = real;
      assert.equal(heard.length, 2);
      assert.ok(heard.every((init) => init[name] === value), 'the very value');
    });
  }

  test('a fetch of the caller\'s hears them too, with the signal', async () => {
    const heard = [];
    const payments = await platform.buyer();
    const { signal } = new AbortController();
    await payments.fetch(`${seller.url}/w`, { next: OWN.next, signal }, { fetch: (input, init) => { heard.push(init); return real(input, init); } });
    assert.equal(heard.length, 2);
    for (const init of heard) assert.ok(init.next === OWN.next && init.signal instanceof AbortSignal);
  });

  test('each member is asked for once', async () => {
    const asked = {};
    const init = new Proxy({ method: 'POST', body: 'b', proxy: 'p' }, { get: (target, name) => { asked[name] = (asked[name] ?? 0) + 1; return target[name]; } });
    await (await platform.buyer()).fetch(`${seller.url}/once`, init);
    assert.deepEqual(Object.entries(asked).filter(([, times]) => times > 1), []);
    assert.equal(seller.requests.at(-1).body.toString(), 'b');
  });
});

test('results, errors and events have JSON and can be copied', async () => {
  const events = [];
  const payments = await platform.buyer({ onEvent: (event) => events.push(event) });
  const { receipt, spend } = await payments.fetch(`${seller.url}/ask`);
  const error = await failure(payments.fetch(`${seller.url}/no`));
  const quote = await payments.quote(`${seller.url}/ask`);
  const balance = await payments.plans.getPlanBalance(platform.planId);
  const things = { receipt, spend, totals: payments.spend, error, events, offers: quote.offers, balance };
  for (const [name, thing] of Object.entries(things)) {
    JSON.parse(JSON.stringify(thing));
    structuredClone(thing);
    assert.ok(!Object.keys(thing).includes('toJSON'), name);
  }
  const said = JSON.parse(JSON.stringify(things));
  assert.deepEqual([said.receipt.creditsRedeemed, said.spend.creditsPresented, said.totals.byPlan[0].credits, said.balance.balance], ['2', '2', String(payments.spend.byPlan[0].credits), String(balance.balance)]);
  assert.equal(said.offers[0].credits, '2');
  assert.equal(said.offers[0].price.amount, String(quote.offers[0].price.amount));
  assert.deepEqual([said.error.name, said.error.code, said.error.message, typeof said.error.spend.creditsPresented], [error.name, error.code, error.message, 'string']);
  assert.ok(!('response' in said.error) && !('stack' in said.error));
  assert.deepEqual(receipt, { ...receipt }, 'they are as plain as ever');
});

test('an instance prints what it is, and no key; nothing of the wasm\'s is public', async () => {
  const { nvmApiKey } = (await platform.buyer()).account;
  for (const type of [Payments, Seller]) {
    const payments = type.getInstance({ nvmApiKey, environment: 'custom', backend: platform.sandbox.url });
    const account = payments.getAccountAddress();
    const printed = inspect(payments);
    assert.ok(printed.startsWith('Payments {') && printed.includes(account) && printed.includes('custom'), printed);
    const all = inspect(payments, { depth: 9, showHidden: true }) + JSON.stringify(payments) + Object.keys(payments);
    assert.ok(!all.includes(nvmApiKey.slice(-20)) && !all.includes('__wbg'), all);
    assert.deepEqual(['free', '__wbg_ptr', '__destroy_into_raw'].filter((name) => name in payments), []);
    assert.deepEqual(JSON.parse(JSON.stringify(payments)).accountAddress, account);
  }
});

test('an error shows who called, of whatever call', async () => {
  const payments = await platform.buyer();
  async function theCaller(call) { await call(); }
  for (const call of [
    () => payments.fetch(`${seller.url}/no`), () => payments.fetch(`${seller.url}/x`, {}, { aprove: 1 }), () => payments.quote('http://127.0.0.1:9/'),
    () => payments.plans.getPlan('../x'), () => payments.plans.getPlan('7'), () => payments.plans.waitForCredits('1', { min: 'x' }), () => payments.delegation.listDelegations({ all: 1 }),
    async () => Payments.getInstance({}), async () => payments.setOrganizationId('a b'), async () => payments.connect(),
  ]) {
    const error = await failure(theCaller(call));
    assert.ok(error instanceof PaymentsError);
    const [first, ...frames] = error.stack.split('\n');
    assert.ok(first.includes(error.message), error.stack);
    assert.ok(frames.find((frame) => !frame.includes('node:')).includes('api-usage.test.mjs'), error.stack);
    assert.ok(error.stack.includes('theCaller'), error.stack);
  }
});

test('what nobody catches is printed without a line of the package', async () => {
  const code = `
    import { Payments } from ${JSON.stringify(new URL('../../target/dist/subscriber/index.js', import.meta.url).href)};
    async function main() { await Payments.getInstance({ nvmApiKey: 'local:a.e30.c', backend: 'http://127.0.0.1:9' }).plans.getPlan('../x'); }
    await main();`;
  const { stderr } = await exec(process.execPath, ['--input-type=module', '-e', code]).catch((error) => error);
  assert.match(stderr, /PaymentsError: planId has a value it cannot have\n\s+at async main/);
  assert.ok(Math.max(...stderr.split('\n').map((line) => line.length)) < 300, stderr);
});

test('every error has a code, a hint and a page, whoever made it', async () => {
  const payments = await platform.buyer({ policy: { maxCreditsPerRequest: 1 } });
  const rich = await platform.buyer();
  const nobody = await platform.buyer();
  nobody.logout();
  const errors = [
    await failure(payments.fetch(`${seller.url}/ask`)), await failure(rich.fetch(`${seller.url}/no`)), await failure(rich.fetch('http://127.0.0.1:9/')), await failure(nobody.fetch(`${seller.url}/ask`)),
    await failure(rich.plans.getPlan('123456')), await failure(rich.plans.getPlan('../x')), await failure(rich.fetch('nonsense:')), await failure(nobody.plans.orderPlan('1')),
    await failure(async function call() { return Payments.getInstance({ nvmApiKey: 'x' }); }()), await failure(rich.plans.waitForCredits(platform.planId, { min: 1n << 200n, timeoutMs: 1 })),
  ];
  for (const error of errors) {
    assert.match(error.code, /^[\w.]+$/);
    assert.ok(error.hint?.length > 10, error.code);
    assert.match(error.docsUrl, /^https:\/\/\S+(errors\.md#\S+|docs\S*)$/);
  }
  const [budget, , , logged] = errors;
  assert.equal(budget.code, 'budget_exceeded');
  assert.deepEqual([logged.code, logged.spend.outcome], ['not_logged_in', 'none']);
});

test('nobody who is logged out is asked: the error says that it is the login that is wanting', async () => {
  let asked = 0;
  const payments = await platform.buyer({ approve: async (offer, context) => { asked += 1; await context.balance(); return true; } });
  payments.logout();
  const error = await failure(payments.fetch(`${seller.url}/ask`));
  assert.deepEqual([error.code, asked, error.response.status], ['not_logged_in', 0, 402]);
  assert.match(error.hint, /payments\.connect\(\)/);
});

test('who logs out ends what is under way, with the class for it', async () => {
  const payments = await platform.buyer({ approve: () => new Promise(() => {}) });
  const call = failure(payments.fetch(`${seller.url}/ask`));
  setTimeout(() => payments.logout(), 50);
  assert.ok((await call) instanceof SessionExpired);
  assert.ok(base64('x'));
});
