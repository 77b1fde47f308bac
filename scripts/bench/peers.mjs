// The peers of the benchmark, by pinned versions, in target/bench-peers.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { repoPath } from '../lib/run.mjs';
import { npm } from '../lib/tools.mjs';

const PEERS = { '@hono/node-server': '2.1.9', '@x402/core': '2.27.0', '@x402/evm': '2.27.0', '@x402/fetch': '2.27.0', '@x402/hono': '2.27.0', hono: '4.13.19' };
const HOME = repoPath('target/bench-peers');

async function installed() {
  const wanted = JSON.stringify({ name: 'bench-peers', private: true, type: 'module', dependencies: PEERS });
  const manifest = join(HOME, 'package.json');
  const present = existsSync(join(HOME, 'node_modules/hono')) && existsSync(manifest) && readFileSync(manifest, 'utf8') === wanted;
  if (present) return;
  mkdirSync(HOME, { recursive: true });
  writeFileSync(manifest, wanted);
  await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', HOME]);
}

/** A fixture as a Worker of one file in `folder`. */
export async function bundled(fixture, folder) {
  await installed();
  mkdirSync(folder, { recursive: true });
  const entry = join(HOME, fixture);
  cpSync(repoPath('scripts/bench/fixtures', fixture), entry);
  await build({ entryPoints: [entry], outfile: join(folder, 'entry.js'), bundle: true, format: 'esm', target: 'es2022', minify: true, conditions: ['workerd', 'worker', 'browser'], logLevel: 'error', external: ['node:*'], alias: { url: 'node:url', buffer: 'node:buffer', crypto: 'node:crypto', events: 'node:events', stream: 'node:stream', util: 'node:util' } });
  return { root: folder, main: 'entry.js', flags: ['nodejs_compat'] };
}

/** A fixture as a program beside the packages. */
export async function program(fixture) {
  await installed();
  const path = join(HOME, fixture);
  cpSync(repoPath('scripts/bench/fixtures', fixture), path);
  return path;
}

/** The payment header of x402's `exact` scheme for the offer of a server. The stub's facilitator accepts any signature. */
export async function exactPayment(url, path) {
  const response = await fetch(url + path, { method: 'POST', body: '{}' });
  const offer = JSON.parse(Buffer.from(response.headers.get('payment-required'), 'base64').toString());
  const [accepted] = offer.accepts;
  const authorization = { from: '0x00000000000000000000000000000000000000b1', to: accepted.payTo, value: accepted.amount, validAfter: '0', validBefore: '99999999999', nonce: `0x${'01'.repeat(32)}` };
  return Buffer.from(JSON.stringify({ x402Version: 2, resource: offer.resource, accepted, payload: { signature: `0x${'fe'.repeat(65)}`, authorization } })).toString('base64');
}
