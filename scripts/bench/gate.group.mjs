// The gate beside a hand-written one, @x402/hono, a pass-through and FastAPI: processor time of the server for a request.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dist } from '../lib/build.mjs';
import { repoPath } from '../lib/run.mjs';
import { crossings } from './crossings.mjs';
import { load, ratio, request, rounds } from './measure.mjs';
import { bundled, exactPayment, program } from './peers.mjs';
import { ROUTES, SELLER_KEY, startProgram, startStub, startWorker, token, workplace } from './servers.mjs';

export const keys = [
  'gate.paid_over_handwritten', 'gate.paid_state_over_handwritten', 'gate.paid_over_x402_hono', 'gate.unpaid_over_handwritten',
  'gate.unpaid_over_x402_hono', 'gate.open_over_passthrough', 'gate.paid_over_fastapi', 'gate.paid_large_token_us', 'gate.crossings_paid',
  'node.paid_over_x402_hono',
];
export const needs = ['worker', 'paywall'];

export async function measure({ quick }) {
  const { folder, close } = workplace();
  const running = [];
  const start = async (server) => {
    const started = await server;
    running.push(started);
    return started;
  };
  const times = quick ? 3 : 9;
  const count = quick ? 250 : 600;
  try {
    const stub = await start(startStub());
    const bindings = { NVM_API_KEY: SELLER_KEY, NVM_ENVIRONMENT: 'custom', NVM_API_URL: stub.url, ORIGIN_URL: stub.url, ROUTES, UNLISTED: 'deny', OPEN_ROUTES: ['GET /health'], LOG: 'off' };
    const fixtures = repoPath('scripts/bench/fixtures');
    const worker = { root: dist('worker'), main: 'entry.js', bindings };
    const gate = await start(startWorker(folder, 'gate', worker));
    const state = await start(startWorker(folder, 'state', { ...worker, state: 'PaywallState' }));
    const hand = await start(startWorker(folder, 'hand', { root: fixtures, main: 'handwritten.js', bindings }));
    const bare = await start(startWorker(folder, 'bare', { root: fixtures, main: 'passthrough.js', bindings }));
    const hono = await start(startWorker(folder, 'hono', { ...await bundled('hono.js', join(folder, 'hono-root')), bindings }));
    const env = { NVM_API_KEY: SELLER_KEY, NVM_API_URL: stub.url, ROUTES: JSON.stringify(ROUTES), PACKAGE: dist('subscriber') };
    const node = await start(startProgram(process.execPath, [repoPath('scripts/bench/fixtures/node_paywall.mjs')], env));
    const nodeHono = await start(startProgram(process.execPath, [await program('node_hono.mjs')], env));
    const python = repoPath('target/venv/bin/python');
    const fastapi = existsSync(python) && await start(startProgram(python, [join(fixtures, 'fastapi_gate.py')], { NVM_API_KEY: SELLER_KEY, NVM_BACKEND_URL: stub.url })).catch(() => undefined);

    const body = '{"question":"What is the answer?"}';
    const post = (server, headers) => request(server.url, 'POST', '/ask', { body, headers });
    const always = (bytes) => () => bytes;
    const paid = (server, header = token()) => always(post(server, { 'payment-signature': header }));
    const unpaid = (server) => always(post(server, {}));
    const open = (server) => always(request(server.url, 'GET', '/health'));
    const once = (server) => () => post(server, { 'payment-signature': token({ nonce: `0x${randomBytes(32).toString('hex')}` }) });
    const exact = (server) => exactPayment(server.url, '/ask');

    const honoPaid = paid(hono, await exact(hono));
    const nodeHonoPaid = paid(nodeHono, await exact(nodeHono));
    const runs = {
      gate: () => load(gate, count, paid(gate)),
      hand: () => load(hand, count, paid(hand)),
      hono: () => load(hono, count, honoPaid),
      state: () => load(state, count, once(state)),
      ...(fastapi && { fastapi: () => load(fastapi, count >> 2, paid(fastapi)) }),
      large: () => load(gate, count, paid(gate, token({ padding: 10_000 }))),
      handLarge: () => load(hand, count, paid(hand, token({ padding: 10_000 }))),
      gateUnpaid: () => load(gate, count, unpaid(gate), { status: 402 }),
      handUnpaid: () => load(hand, count, unpaid(hand), { status: 402 }),
      honoUnpaid: () => load(hono, count, unpaid(hono), { status: 402 }),
      gateOpen: () => load(gate, count, open(gate)),
      bare: () => load(bare, count, open(bare)),
      node: () => load(node, count, paid(node)),
      nodeHono: () => load(nodeHono, count, nodeHonoPaid),
    };
    const results = await rounds(runs, times);
    const median = (name) => [...results[name]].sort((one, other) => one.micros - other.micros)[times >> 1].micros;
    return {
      'gate.paid_over_handwritten': ratio(results, 'gate', 'hand'),
      'gate.paid_state_over_handwritten': ratio(results, 'state', 'hand'),
      'gate.paid_over_x402_hono': ratio(results, 'gate', 'hono'),
      'gate.unpaid_over_handwritten': ratio(results, 'gateUnpaid', 'handUnpaid'),
      'gate.unpaid_over_x402_hono': ratio(results, 'gateUnpaid', 'honoUnpaid'),
      'gate.open_over_passthrough': ratio(results, 'gateOpen', 'bare'),
      ...(fastapi && { 'gate.paid_over_fastapi': ratio(results, 'gate', 'fastapi') }),
      'gate.paid_large_token_us': { median: median('large') - median('gate'), unit: 'us', note: `a token of 14.5 KB over one of 1 KB; by hand ${Math.round(median('handLarge') - median('hand'))}` },
      'gate.crossings_paid': await crossings(stub.url),
      'node.paid_over_x402_hono': ratio(results, 'node', 'nodeHono'),
    };
  } finally {
    for (const { stop } of running.reverse()) await stop();
    close();
  }
}
