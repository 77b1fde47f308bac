// The official Python client pays our gate by MPP: by its own `fetch`, with credentials made by hand, with a body that is bound, and by x402 on the same route.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { runProgram, skip, startMarket } from './service.mjs';

let market, plan, agent, server, url, served = 0;
const gates = [];
before(async () => {
  if (skip) return;
  const { paywall } = await import('../../target/dist/subscriber/paywall.js');
  const { toNodeListener } = await import('../../target/dist/subscriber/paywall.node.js');
  market = await startMarket();
  plan = await market.plan();
  agent = await market.agent([plan]);
  const words = async (request) => (await request.json()).question.split(' ').length;
  const sell = (more) => {
    const gate = paywall(async () => { served += 1; return Response.json({ answer: 42 }); }, {
      nvmApiKey: market.seller.nvmApiKey, environment: 'custom', backend: market.sandbox.url, state: 'memory', unlisted: 'deny', log: false, ...more,
    });
    gates.push(gate);
    return toNodeListener(gate);
  };
  const plain = sell({ mpp: true, routes: { 'POST /mpp': { planId: plan, agentId: agent, credits: 2 }, 'POST /ask': { planId: plan, agentId: agent, credits: 3 } } });
  const bound = sell({ mpp: { bindBody: true }, routes: { 'POST /bound': { planId: plan, agentId: agent, credits: words } } });
  server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => (request.url === '/bound' ? bound : plain)(request, response));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(async () => {
  for (const gate of gates) await gate.close();
  server?.closeAllConnections();
  server?.close();
  await market?.stop();
});

test('the official client pays our gate, by MPP and by x402', { skip }, async () => {
  const account = await newAccount(market.sandbox.url, 'A buyer in Python');
  const saw = await runProgram('mpp_buyer.py', market.sandbox, { NVM_API_KEY: account.nvmApiKey, SERVICE: url, PLAN: plan, AGENT: agent });
  for (const [name, [status, left]] of Object.entries({
    'MPP': [200, 98], 'MPP by hand': [200, 96], 'the same credential': [402, 96], 'one without a challenge': [402, 96], 'a body that is bound': [200, 93],
    'another body': [402, 93], 'its own body': [200, 91], 'for another route': [402, 91], 'x402 on an MPP route': [200, 89], 'x402': [200, 86],
  })) assert.deepEqual([saw[name].status, saw[name].balance], [status, left], name);
  assert.deepEqual([saw.MPP.paid, saw.MPP.receipt.status, saw.MPP.receipt.method], [true, 'success', 'nevermined']);
  assert.deepEqual([saw['the same credential'].code, saw['one without a challenge'].code, saw['another body'].code], ['BCK.MPP.0003', 'BCK.MPP.0003', 'BCK.MPP.0005']);
  assert.equal(served, 6, 'one answer for each payment');
});
