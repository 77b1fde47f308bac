// How many pairs of a verify and a settle the sandbox answers in a second, and what bounds it: the machine's own
// limits are measured beside it.
import { fdatasyncSync, mkdirSync, mkdtempSync, openSync, closeSync, writeFileSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { startWorkerd } from '../lib/workerd-process.mjs';
import { processorTime, rate, request } from '../lib/load.mjs';
import { repoPath } from '../lib/run.mjs';
import { forget, scratch } from '../../src/cli/temporary-folder.js';
import { count, out, table } from '../lib/terminal.mjs';

export const keys = ['sandbox.pairs_per_s', 'sandbox.mints_per_s'];
export const needs = ['sandbox'];

const LANES = 32;

/** A Worker that does nothing, and a Durable Object that does nothing or writes a row. */
const EMPTY = `export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/worker') return env.SANDBOX.getByName('sandbox').fetch(request);
    await request.text();
    return new Response('{}');
  },
};
export class Sandbox {
  constructor(state) {
    this.sql = state.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)');
  }
  async fetch(request) {
    await request.text();
    if (new URL(request.url).pathname === '/row') this.sql.exec('INSERT INTO rows (text) VALUES (?)', 'something');
    return new Response('{}');
  }
}`;

export async function measure({ quick }) {
  const seconds = quick ? 2 : 4;
  const disk = mkdtempSync(join(repoPath('target'), 'bench-'));
  const memory = scratch();
  const rows = [];
  try {
    for (const [place, folder] of quick ? [['in memory', memory]] : [['in memory', memory], ['on disk', disk]]) {
      const commits = place === 'on disk' ? synced(folder) : undefined;
      for (const measured of [...await machine(folder, seconds, LANES), ...await sandbox(folder, seconds, LANES)]) rows.push({ place, commits, ...measured });
    }
  } finally {
    forget(disk);
    forget(memory);
  }
  print(rows, { lanes: LANES, commits: rows.find(({ commits }) => commits)?.commits });
  const pairs = rows.find(({ place, pairs: pair }) => pair && place === 'in memory');
  const mints = rows.find(({ mints: mint, place }) => mint && place === 'in memory');
  return {
    'sandbox.pairs_per_s': { median: Math.round(pairs.perSecond), unit: 'a second', note: 'verify and settle, in memory' },
    'sandbox.mints_per_s': { median: Math.round(mints.perSecond), unit: 'a second', note: 'single-use tokens, in memory' },
  };
}

/** Measures the runtime on this machine without the sandbox. */
async function machine(folder, seconds, lanes) {
  const root = join(folder, 'empty');
  mkdirSync(root);
  writeFileSync(join(root, 'entry.js'), EMPTY);
  const { url, pid, stop } = await startWorkerd({ data: join(folder, 'empty-data'), root });
  try {
    const body = { text: 'x'.repeat(1500) };
    const measured = [];
    for (const [what, path] of [['an empty Worker', '/worker'], ['an empty Durable Object', '/object'], ['one that writes a row', '/row']]) {
      const bytes = request(url, 'POST', path, { body });
      measured.push(await timed(what, { url, pid, seconds, lanes }, (send) => send(bytes)));
    }
    return measured;
  } finally {
    await stop();
  }
}

/** The sandbox: settles and verifies of tokens that are used again and again, and of tokens that are good once. */
async function sandbox(folder, seconds, lanes) {
  const { client, offer } = await import('../../tests/sandbox/client.mjs');
  const { url, pid, stop } = await startWorkerd({ data: join(folder, 'sandbox') });
  try {
    const seller = await client(url).open('Seller');
    const plan = await seller.plan({ credits: { amount: '1000000000' } });
    const buyers = await Promise.all(Array.from({ length: Math.min(lanes, 16) }, async () => {
      const buyer = await client(url).open();
      await buyer.order(plan);
      const delegationId = await buyer.delegation({ durationSecs: 86_400 });
      const resource = { url: '/ask' };
      const mint = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId }, tokenVersion: 3, resource };
      const token = await buyer.token(plan, { delegationId });
      return { token, mint: request(url, 'POST', '/api/v1/x402/permissions', { body: mint, headers: { authorization: `Bearer ${buyer.key}` } }), ...calls(token) };
    }));
    function calls(token) {
      const body = {
        paymentRequired: { x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...offer(plan), extra: { version: '1' } }], extensions: {} },
        x402AccessToken: token, maxAmount: '1',
      };
      const headers = { authorization: `Bearer ${seller.key}` };
      return Object.fromEntries(['verify', 'settle'].map((name) => [name, request(url, 'POST', `/api/v1/x402/${name}`, { body, headers })]));
    }
    const made = async (send, bytes, status = 200) => {
      const answer = await send(bytes);
      if (answer.status !== status) throw new Error(`${answer.status} ${answer.body}`);
      return answer;
    };
    const of = (lane) => buyers[lane % buyers.length];
    const once = async (send, lane) => {
      const { verify, settle } = calls(JSON.parse((await made(send, of(lane).mint, 201)).body).accessToken);
      await made(send, verify);
      await made(send, settle);
    };
    const at = { url, pid, seconds, lanes };
    return [
      await timed('verify', at, (send, lane) => made(send, of(lane).verify)),
      await timed('settle', at, (send, lane) => made(send, of(lane).settle)),
      { pairs: true, ...await timed('verify and settle', at, async (send, lane) => { await made(send, of(lane).verify); await made(send, of(lane).settle); }) },
      { mints: true, ...await timed('mint once', at, (send, lane) => made(send, of(lane).mint, 201)) },
      await timed('mint once, verify and settle', at, once),
    ];
  } finally {
    await stop();
  }
}

/** How often it can be done in a second, and how much of a processor the server had of it. */
async function timed(what, { url, pid, seconds, lanes }, work) {
  await rate(url, lanes, 1, work);
  const [before, began] = [processorTime(pid), performance.now()];
  const perSecond = await rate(url, lanes, seconds, work);
  const passed = (performance.now() - began) / 1000;
  const after = processorTime(pid);
  const busy = before === undefined || after === undefined ? undefined : (after - before) / passed;
  return { what, perSecond, busy };
}

/** How many commits the disk takes in a second, one after the other. */
function synced(folder) {
  const file = openSync(join(folder, 'sync'), 'w');
  const page = Buffer.alloc(8192, 1);
  const began = performance.now();
  let done = 0;
  for (; performance.now() - began < 1000; done++) {
    writeSync(file, page, 0, page.length, 0);
    fdatasyncSync(file);
  }
  closeSync(file);
  return done;
}

function print(rows, { lanes, commits }) {
  const head = ['', '', 'a second', 'processor', 'time each', 'a core could'].map((cell) => out.dim(cell));
  const lines = rows.map(({ place, what, perSecond, busy, pairs }) => [
    out.dim(place), pairs ? out.bold(what) : what, pairs ? out.bold(count(Math.round(perSecond))) : count(Math.round(perSecond)),
    busy === undefined ? '' : `${Math.round(busy * 100)} %`, busy === undefined ? '' : `${Math.round((busy / perSecond) * 1e6)} µs`,
    busy ? count(Math.round(perSecond / busy)) : '',
  ]);
  console.error(`\n${table([head, ...lines], 'llrrrr')}\n`);
  console.error(out.dim(`${lanes} calls at once, ${availableParallelism()} processors, which the load shares${commits === undefined ? '' : `; the disk takes ${count(commits)} commits a second, one after the other`}.`));
  console.error(out.dim('workerd runs all of a sandbox in one thread: "a core could" is what that thread could do if it never waited.'));
}
