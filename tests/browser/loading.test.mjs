// Obstacles to loading the wasm, and the parts that load on demand: one error with a hint, and the next call tries
// again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, open, sandbox, site } from './static-server.mjs';

const OBSTACLES = {
  'is gone': [(route) => route.fulfill({ status: 404, contentType: 'text/plain', body: 'not found' }), /Deploy the \.wasm file/],
  'is a page of HTML': [(route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<!doctype html><title>app</title>' }), /The file is missing/],
  'is out of reach, the connection broke': [(route) => route.abort('connectionreset'), /The connection broke/],
  'is damaged': [(route) => route.fulfill({ status: 200, contentType: 'application/wasm', body: Buffer.from([0, 97, 115, 109, 1, 0, 0, 0, 9]) }), /damaged/],
};
const CALLS = {
  'core_bg.wasm': 'payments.plans.getPlans()',
  'helpers.js': "sdk.Payments.loginUrl({ callbackUrl: 'http://localhost:1/', environment: 'sandbox' })",
  'account.js': 'payments.delegation.listDelegations()',
  'selling.js': 'payments.organizations.getMyMemberships()',
  'seller_bg.wasm': 'payments.contracts.getDeploymentInfo()',
  'checkout.js': "payments.plans.waitForCredits('1', { timeoutMs: 100 })",
};

const called = (page, call) => page.evaluate((code) => new Function(`return ${code}`)().then(
  () => ({ code: 'done' }), (error) => ({ ours: error instanceof sdk.PaymentsError, code: error.code, hint: error.hint ?? '' })), call);

for (const [file, call] of Object.entries(CALLS)) {
  for (const [what, [answer, hint]] of Object.entries(OBSTACLES)) {
    test(`${file} ${what}`, async () => {
      const page = await context.newPage();
      await page.route(`**/pkg/${file}*`, answer);
      const account = await (await fetch(`${sandbox.url}/sandbox/accounts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).json();
      await open('/app', { nvmApiKey: account.nvmApiKey }, page);
      for (let twice = 0; twice < 2; twice++) {
        const result = await called(page, call);
        assert.deepEqual([result.ours, result.code], [true, 'wasm_load_failed'], JSON.stringify(result));
        if (file.endsWith('.wasm')) assert.match(result.hint, hint);
        else assert.ok(result.hint.length > 20, result.hint);
      }
      await page.unroute(`**/pkg/${file}*`);
      const result = await called(page, call);
      assert.notEqual(result.code, 'wasm_load_failed', JSON.stringify(result));
      assert.match(result.code, /^(done|credits_timeout|BCK\..*|plan_not_found)$/);
      assert.equal(new URL(page.url()).origin, site.url);
    });
  }
}
