// The size of the client after gzip -9, of all files that one payment loads and of those that the import loads, and what its start costs
// in Node: beside @x402/fetch, bundled and minified.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { dist } from '../lib/build.mjs';
import { measure as sizes } from '../lib/sizes.mjs';
import { spread } from './measure.mjs';
import { program } from './peers.mjs';
import { workplace } from './servers.mjs';

export const keys = ['client.gzip', 'client.import_gzip', 'client.gzip_over_x402', 'client.start_over_x402'];
export const needs = ['subscriber'];

const OURS = (entry) => `import { Payments } from ${JSON.stringify(entry)};
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const payments = Payments.getInstance({ nvmApiKey: \`local:\${part({})}.\${part({})}.c2ln\`, environment: 'custom', backend: 'http://127.0.0.1:9' });
await payments.ready();`;

/** The processor time of a program, in milliseconds. */
function cost(path) {
  const code = `await import(${JSON.stringify(pathToFileURL(path).href)}); const { user, system } = process.cpuUsage(); console.log((user + system) / 1000); process.exit();`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }));
}

export async function measure({ quick }) {
  const { subscriber, import: atImport } = sizes();
  const { folder, close } = workplace();
  try {
    const peer = async (options) => {
      const { outputFiles: [{ contents }] } = await build({ entryPoints: [await program('fetch_x402.mjs')], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, logLevel: 'error', ...options });
      return contents;
    };
    const size = gzipSync(await peer({ platform: 'browser' }), { level: 9 }).length;
    const paths = Object.fromEntries(['ours', 'peer', 'empty'].map((name) => [name, join(folder, `${name}.mjs`)]));
    writeFileSync(paths.peer, await peer({ platform: 'node' }));
    writeFileSync(paths.ours, OURS(pathToFileURL(dist('subscriber', 'node.js')).href));
    writeFileSync(paths.empty, '');
    const rounds = Array.from({ length: quick ? 5 : 15 }, () => {
      const empty = cost(paths.empty);
      return { ours: cost(paths.ours) - empty, peer: cost(paths.peer) - empty };
    });
    const median = (name) => Math.round(spread(rounds.map((round) => round[name])).median);
    const { gzip, wasm, js } = subscriber;
    return {
      'client.gzip': { median: gzip, unit: 'bytes', note: `wasm ${wasm.gzip}, JavaScript ${js.gzip}` },
      'client.import_gzip': { median: atImport.gzip, unit: 'bytes' },
      'client.gzip_over_x402': { median: gzip / size, unit: 'of the bytes of @x402/fetch with EVM: less is better', note: `${gzip} beside ${size} bytes` },
      'client.start_over_x402': spread(rounds.map(({ ours, peer: theirs }) => ours / theirs), { unit: 'of the processor time of @x402/fetch: less is better', note: `${median('ours')} ms beside ${median('peer')} ms, over an empty program` }),
    };
  } finally {
    close();
  }
}
