// Growth: many routes, a counted stream, the memory of a process, and the start of a Worker.
import { dist } from '../lib/build.mjs';
import { repoPath } from '../lib/run.mjs';
import { connection, load, processorMicros, ratio, request, rounds, spread } from './measure.mjs';
import { PLAN, ROUTES, SELLER_KEY, startProgram, startStub, startWorker, token, workplace } from './servers.mjs';

export const keys = ['routes.10000_over_1', 'stream.counted_over_passthrough', 'worker.cold_start_ms', 'memory.growth_bytes_100k'];
export const needs = ['worker', 'paywall'];

const PRICE = { planId: PLAN, credits: 2, scheme: 'nvm:erc4337', network: 'eip155:84532' };

export async function measure({ quick }) {
  const { folder, close } = workplace();
  const running = [];
  const start = async (server) => {
    const started = await server;
    running.push(started);
    return started;
  };
  try {
    const stub = await start(startStub());
    const bindings = { NVM_API_KEY: SELLER_KEY, NVM_ENVIRONMENT: 'custom', NVM_API_URL: stub.url, ORIGIN_URL: stub.url, ROUTES, UNLISTED: 'deny', LOG: 'off' };
    const worker = { root: dist('worker'), main: 'entry.js', bindings };
    const list = (count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`GET /route-${index + 1}/ask`, PRICE]));
    const one = await start(startWorker(folder, 'one', { ...worker, bindings: { ...bindings, ROUTES: list(1) } }));
    const many = await start(startWorker(folder, 'many', { ...worker, bindings: { ...bindings, ROUTES: list(10_000) } }));
    const metered = { 'GET /stream/:megabytes': { ...PRICE, credits: { by: 'byte', each: 1, per: 1_000_000_000, most: 1_000_000 }, settle: 'at-end-of-stream', unbounded: true } };
    const counted = await start(startWorker(folder, 'counted', { ...worker, bindings: { ...bindings, ROUTES: metered } }));
    const bare = await start(startWorker(folder, 'bare', { root: repoPath('scripts/bench/fixtures'), main: 'passthrough.js', bindings }));

    const ask = (server, path, headers) => {
      const bytes = request(server.url, 'GET', path, { headers });
      return () => bytes;
    };
    const [times, count] = quick ? [3, 200] : [9, 500];
    const growth = await rounds({
      one: () => load(one, count, ask(one, '/route-1/ask'), { status: 402 }),
      many: () => load(many, count, ask(many, '/route-10000/ask'), { status: 402 }),
    }, times);
    const megabytes = quick ? 20 : 100;
    const paid = { 'payment-signature': token() };
    const streams = await rounds({
      counted: () => load(counted, 2, ask(counted, `/stream/${megabytes}`, paid), { lanes: 1 }),
      bare: () => load(bare, 2, ask(bare, `/stream/${megabytes}`), { lanes: 1 }),
    }, times);
    const perSecond = (name) => Math.round(megabytes * spread(streams[name].map((result) => result.perSecond)).median);
    return {
      'routes.10000_over_1': { ...ratio(growth, 'one', 'many'), unit: 'times (below 1.2 is good)' },
      'stream.counted_over_passthrough': ratio(streams, 'counted', 'bare', { note: `${perSecond('counted')} and ${perSecond('bare')} MB a second` }),
      'worker.cold_start_ms': await coldStart(folder, worker, bindings, quick ? 3 : 7),
      'memory.growth_bytes_100k': await memory(stub, quick ? 12_000 : 100_000),
    };
  } finally {
    for (const { stop } of running.reverse()) await stop();
    close();
  }
}

/** The processor time from the start of workerd to the first answer, over that of a Worker that passes requests on. */
async function coldStart(folder, worker, bindings, times) {
  const first = async (name, options, status) => {
    const server = await startWorker(folder, name, options);
    const { send, end } = connection(server.url);
    const answer = await send(request(server.url, 'POST', '/ask', { body: '{}' }));
    if (answer.status !== status) throw new Error(`the first answer has status ${answer.status}`);
    const micros = processorMicros(server.pid);
    end();
    await server.stop();
    return micros / 1000;
  };
  const differences = [];
  for (let round = 0; round < times; round++) {
    const ours = await first(`cold-${round}`, worker, 402);
    differences.push(ours - await first(`bare-${round}`, { root: repoPath('scripts/bench/fixtures'), main: 'passthrough.js', bindings }, 200));
  }
  return spread(differences, { unit: 'ms', note: 'processor time to the first answer, over a pass-through' });
}

/** The growth of a Node process with `state: 'memory'` over so many paid requests, after as many to warm up; for 100,000. */
async function memory(stub, count) {
  const env = { NVM_API_KEY: SELLER_KEY, NVM_API_URL: stub.url, ROUTES: JSON.stringify(ROUTES), PACKAGE: dist('subscriber'), OPTIONS: JSON.stringify({ state: 'memory' }) };
  const server = await startProgram(process.execPath, ['--expose-gc', repoPath('scripts/bench/fixtures/node_paywall.mjs')], env);
  try {
    const bytes = request(server.url, 'POST', '/ask', { body: '{}', headers: { 'payment-signature': token() } });
    const resident = async () => Number((await (await fetch(`${server.url}/health`)).headers.get('x-resident')) ?? 0);
    await load(server, count, () => bytes);
    const before = await resident();
    await load(server, count, () => bytes);
    return { median: Math.round(((await resident()) - before) * (100_000 / count)), unit: 'bytes', note: `resident memory, ${count} requests` };
  } finally {
    await server.stop();
  }
}
