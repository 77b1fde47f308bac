// The cost of payments.fetch beside a bare fetch, in Node, against a seller and a platform with ready-made answers.
import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { dist } from '../lib/build.mjs';
import { repoPath } from '../lib/run.mjs';
import { spread } from './measure.mjs';
import { startProgram } from './servers.mjs';

export const keys = ['fetch.warm_over_bare', 'fetch.concurrent_2000_over_bare', 'fetch.cold_requests', 'fetch.cold_mints_1000'];
export const needs = ['subscriber'];

export async function measure({ quick }) {
  const fixture = (name) => repoPath('scripts/bench/fixtures', name);
  const seller = await startProgram(process.execPath, [fixture('seller.mjs')]);
  try {
    const entry = pathToFileURL(dist('subscriber', 'node.js')).href;
    const given = [entry, seller.url, quick ? 500 : 2000, quick ? 3 : 9, 2000].map(String);
    const { stdout } = await promisify(execFile)(process.execPath, [fixture('client.mjs'), ...given]);
    const { cold, mints, warm, concurrent } = JSON.parse(stdout);
    const over = (rounds) => {
      const median = (name) => Math.round(spread(rounds.map((round) => round[name])).median);
      return spread(rounds.map(({ bare, paid }) => paid / bare), { unit: 'times the processor of a bare fetch: less is better', note: `${median('paid')} us beside ${median('bare')} us a call` });
    };
    return {
      'fetch.warm_over_bare': over(warm),
      'fetch.concurrent_2000_over_bare': over(concurrent),
      'fetch.cold_requests': { median: cold.requests, unit: 'requests of a first call' },
      'fetch.cold_mints_1000': { median: mints, unit: 'mints of 1,000 first calls at once' },
    };
  } finally {
    await seller.stop();
  }
}
