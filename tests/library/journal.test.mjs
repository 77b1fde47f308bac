// `npx payments-wasm paywall journal`: what a gate has delivered and does not know to be paid for, read by its seller.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { run } from '../../scripts/lib/run.mjs';
import { SELLER_KEY, startFacilitator, token } from '../workerd/harness.mjs';

const METRICS_TOKEN = '0123456789abcdef';
const PLAN = '1001';
let facilitator;
let gate;
let server;
let url;

before(async () => {
  facilitator = await startFacilitator();
  const { paywall } = await import('../../target/dist/subscriber/paywall.js');
  const { toNodeListener } = await import('../../target/dist/subscriber/paywall.node.js');
  gate = paywall(() => new Response('sold'), {
    nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url, unlisted: 'deny', log: false, state: 'memory', metricsToken: METRICS_TOKEN,
    routes: { 'GET /paid': { planId: PLAN, credits: 1 } },
  });
  server = createServer(toNodeListener(gate));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  await gate?.close();
  server?.closeAllConnections();
  server?.close();
  await facilitator?.stop();
});

const journal = (...args) => run(process.execPath, [dist('subscriber', 'cli/bin.js'), 'paywall', 'journal', ...args], { anyCode: true });

test('it lists what is unresolved, and no token', async () => {
  const empty = await journal('--url', url, '--token', METRICS_TOKEN);
  assert.deepEqual([empty.code, empty.stdout.trim()], [0, 'The journal is empty.']);
  facilitator.settle = (response) => response.destroy();
  const sent = token();
  assert.equal((await fetch(`${url}/paid`, { headers: { 'payment-signature': sent } })).status, 200);
  let listed;
  for (let round = 0; round < 200; round++) {
    listed = await journal('--url', url, '--token', METRICS_TOKEN);
    if (/unresolved/.test(listed.stdout)) break;
  }
  assert.equal(listed.code, 0, listed.output);
  assert.match(listed.stdout, /^\d{4}-.*Z {2}unresolved {2}1 credits {2}plan 1001 {2}payer 0x0{38}b1 {2}GET \/paid {2}delivered {2}facilitator_unreachable {2}[0-9a-f]{32}$/m);
  const { stdout } = await journal('--url', url, '--token', METRICS_TOKEN, '--json');
  const entry = JSON.parse(stdout);
  assert.deepEqual([entry.status, entry.delivered, entry.sent, entry.credits], ['unresolved', true, true, '1']);
  assert.ok(!stdout.includes(sent));
});

test('what is wrong is named by its option', async () => {
  for (const [args, said] of [
    [['--token', METRICS_TOKEN], /--url is missing/],
    [['--url', url], /--token is missing/],
    [['--url', url, '--token', 'another'], /--token is not the METRICS_TOKEN/],
    [['--url', 'ftp://x.example', '--token', METRICS_TOKEN], /--url must be an http or https URL/],
    [['--url', 'http://127.0.0.1:1', '--token', METRICS_TOKEN], /--url: http:\/\/127\.0\.0\.1:1 cannot be reached/],
  ]) {
    const { code, output } = await journal(...args);
    assert.equal(code, 1);
    assert.match(output, said);
  }
});
