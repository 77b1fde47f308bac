// The gate in a Worker of somebody's own, in Rust: the project that `npx payments-wasm paywall init --rust` writes, built by its own build.sh, in workerd.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { PAYER, PLAN, SELLER_KEY, once, readHeader, startFacilitator, token } from '../workerd/harness.mjs';
import { builtProject } from './rust-build.mjs';

let facilitator;
let worker;
let project;

before(async () => {
  project = await builtProject();
  facilitator = await startFacilitator();
  const routes = {
    'POST /ask': { planId: PLAN, credits: { by: 'handler', most: 9 } },
    'POST /once': { planId: PLAN, credits: 1, singleUse: true },
  };
  worker = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, routes: { routes: { ...routes, 'POST /one': { planId: PLAN, credits: 1 } }, open: ['GET /health'], unlisted: 'deny' },
    state: true, options: project.options,
  });
}, { timeout: 20 * 60_000 });
beforeEach(() => facilitator.reset());
after(async () => { await worker?.stop(); await facilitator?.stop(); });

const ask = (path, headers = {}, body = 'why?') => fetch(worker.url + path, { method: 'POST', body, headers });

test('docs/rust.md shows this very Worker', () => {
  const source = readFileSync(join(project.folder, 'src/lib.rs'), 'utf8').replace(/^\/\/!.*\n\n/, '');
  assert.ok(source.split('\n').length <= 60);
  assert.ok(readFileSync(repoPath('docs/rust.md'), 'utf8').includes(source));
});

test('the build took the locked dependencies, and made what wrangler.toml names', () => {
  const packages = (lock) => lock.split('\n\n').map((text) => text.trim()).sort();
  assert.deepEqual(packages(readFileSync(join(project.folder, 'Cargo.lock'), 'utf8')), packages(project.lock));
  const config = readFileSync(join(project.folder, 'wrangler.toml'), 'utf8');
  const said = (key) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(config)?.[1];
  assert.equal(said('command'), 'sh build.sh');
  assert.ok(existsSync(join(project.folder, said('main'))));
});

test('it runs with the variables of its wrangler.toml', async () => {
  const config = readFileSync(join(project.folder, 'wrangler.toml'), 'utf8');
  const said = (key) => new RegExp(`^${key} = (.*)$`, 'm').exec(config)?.[1];
  const price = JSON.parse(said('credits').replace(/(\w+) =/g, '"$1":'));
  const [, route] = /^\[vars\.ROUTES\."(.*)"\]$/m.exec(config);
  const own = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, state: true,
    routes: { routes: { [route]: { planId: JSON.parse(said('planId')), credits: price } }, open: JSON.parse(said('OPEN_ROUTES')), unlisted: JSON.parse(said('UNLISTED')) },
    options: { ...project.options, compatibilityDate: JSON.parse(said('compatibility_date')), compatibilityFlags: JSON.parse(said('compatibility_flags')) },
  });
  try {
    assert.equal(await (await fetch(`${own.url}/health`)).text(), 'everything is fine');
    const offered = await fetch(`${own.url}/ask`, { method: 'POST', body: 'one two three' });
    assert.equal(offered.status, 402);
    assert.equal(readHeader(offered.headers.get('payment-required')).accepts[0].extra.credits, '3');
    const answer = await fetch(`${own.url}/ask`, { method: 'POST', body: 'one two three', headers: { 'payment-signature': token({ planId: '1' }) } });
    assert.equal(answer.status, 200, await answer.clone().text());
  } finally {
    await own.stop();
  }
});

test('an open route is the handler\'s, what is not listed is nobody\'s', async () => {
  assert.equal(await (await fetch(`${worker.url}/health`)).text(), 'everything is fine');
  assert.equal((await fetch(`${worker.url}/other`)).status, 404);
});

test('the handler is asked when it is paid for, and knows by whom', async () => {
  assert.equal((await ask('/one')).status, 402);
  const answer = await ask('/one', { 'payment-signature': token() });
  assert.equal(await answer.text(), `why? for 1 credits of ${PLAN} by ${PAYER}: 42`);
  assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '1');
  assert.deepEqual(facilitator.calls.map(({ call }) => call), ['verify', 'settle']);
});

test('a function says the price', async () => {
  const offered = await ask('/ask', {}, 'one two three four five six seven');
  assert.equal(readHeader(offered.headers.get('payment-required')).accepts[0].extra.credits, '7');
  const answer = await ask('/ask', { 'payment-signature': token() }, 'one two three four five six seven');
  assert.equal(answer.status, 200);
  assert.deepEqual(facilitator.calls.map(({ body }) => body.maxAmount), ['7', '7']);
  assert.equal((await ask('/ask', { 'payment-signature': token() }, 'word '.repeat(10))).status, 500);
  assert.equal(facilitator.calls.length, 2);
});

test('a handler that fails costs nothing', async () => {
  const answer = await ask('/one', { 'payment-signature': token() }, 'fail');
  assert.equal(answer.status, 502);
  assert.equal(facilitator.count('settle'), 0);
});

test('the Durable Object comes with the crate: a single-use token is served once', async () => {
  const single = once();
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/once', { 'payment-signature': single })));
  assert.deepEqual(answers.map(({ status }) => status).filter((status) => status === 200), [200]);
  assert.equal(facilitator.count('settle'), 1);
});

test('an unknown outcome is reconciled by the object\'s alarm', async () => {
  facilitator.settle = (response) => response.destroy();
  const answer = await ask('/once', { 'payment-signature': once({ from: `0x${'e'.repeat(40)}` }) });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('payment-response'), null);
  facilitator.settle = undefined;
  for (let round = 0; round < 600 && !/settlement_reconciled/.test(worker.said()); round++) await new Promise((done) => setTimeout(done, 100));
  assert.match(worker.said(), /settlement_reconciled/);
});
