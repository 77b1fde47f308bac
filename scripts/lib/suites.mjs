// The suites of `npm test`. Each is run as a person would run it alone, and gives the same few numbers:
// `{ passed, failed, skipped, report }`, `report` being what failed, in full.
import { accessSync, readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { repoPath, run } from './run.mjs';

const MINUTES = 60_000;

/**
 * In the order in which they run: the quick and deep ones first. `tools` are made ready before (see tools.mjs) and are
 * handed to `run`; `artefacts` are built before. `without(tools)` says why a suite cannot run here.
 */
export const SUITES = {
  native: { title: 'native', tools: ['rust'], run: native },
  wasm: { title: 'wasm in Node', tools: ['bindgen'], run: wasm },
  node: { title: 'Node', artefacts: ['subscriber', 'builder', 'paywall', 'sandbox', 'worker', 'dialects', 'gate-dialects'], run: nodeTests('tests/node') },
  package: { title: 'npm package', artefacts: ['subscriber', 'builder', 'paywall', 'sandbox', 'dialects', 'gate-dialects'], run: nodeTests('tests/package') },
  sandbox: { title: 'sandbox', artefacts: ['sandbox'], run: sandbox },
  workerd: { title: 'paywall in workerd', artefacts: ['sandbox', 'worker', 'subscriber', 'dialects'], run: nodeTests('tests/workerd') },
  library: { title: 'paywall as a library', tools: ['bindgen', 'runtimes'], artefacts: ['sandbox', 'worker', 'subscriber', 'paywall', 'dialects', 'gate-dialects'], run: library },
  python: {
    title: 'official Python client', tools: ['python'], artefacts: ['sandbox', 'worker', 'subscriber', 'paywall', 'builder', 'dialects', 'gate-dialects'],
    without: ({ python }) => (python ? undefined : 'Python is not installed'), run: python,
  },
  browser: {
    title: 'Chromium', tools: ['chromium'], artefacts: ['sandbox', 'worker', 'subscriber', 'builder', 'dialects'], run: nodeTests('tests/browser'),
  },
};

/** `cargo test`: the core and the native drivers, then the rules of the sandbox, which link without a Worker too. */
async function native({ report }) {
  const runs = [['test', '--locked', '--no-fail-fast', '--features', 'client,serde,sqlite,tower'], ['test', '--locked', '--no-fail-fast', '-p', 'payments-wasm-sandbox']];
  return sum(await inTurn(runs, (args) => cargo(args, { report })));
}

/** The integration tests that are made for wasm32 as well, in Node: cargo hands each compiled file to wasm-tests.mjs. */
async function wasm({ report, bindgen }) {
  const isForWasm = (...path) => readFileSync(repoPath('tests', ...path), 'utf8').includes('wasm_bindgen_test');
  const files = list('tests', /\.rs$/).filter((name) => isForWasm(name)).map((name) => name.replace(/\.rs$/, ''));
  // A test may be a folder with a main.rs.
  const folders = list('tests', /^[^.]+$/).filter((name) => list(`tests/${name}`, /^main\.rs$/).length > 0 && list(`tests/${name}`, /\.rs$/).some((file) => isForWasm(name, file)));
  const names = [...files, ...folders].flatMap((name) => ['--test', name]);
  const runner = JSON.stringify([process.execPath, repoPath('scripts/lib/wasm-tests.mjs')]);
  return cargo(['test', '--locked', '--no-fail-fast', '--target', 'wasm32-unknown-unknown', '--config', `target.wasm32-unknown-unknown.runner=${runner}`, ...names],
    { report, env: { BINDGEN: bindgen } });
}

async function cargo(args, { report, env }) {
  const { code, output } = await run('cargo', args, {
    env: { CARGO_TERM_COLOR: 'never', RUST_BACKTRACE: '0', ...env }, anyCode: true, timeout: 20 * MINUTES,
    onLine: (line) => report(line.trim()),
  });
  const result = { passed: 0, failed: 0, skipped: 0, report: '' };
  for (const [, passed, failed, skipped] of output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    result.passed += Number(passed);
    result.failed += Number(failed);
    result.skipped += Number(skipped);
  }
  if (code !== 0) {
    result.failed ||= 1;
    const noise = /^(test .* \.\.\. (ok|ignored)|\s*(Compiling|Running|Finished|Doc-tests|Blocking|Downloaded)\b.*|running \d+ tests?)\n/gm;
    result.report = output.replace(noise, '').replace(/\n{3,}/g, '\n\n').trim();
  }
  return result;
}

/** The sandbox in memory, and once more on a data folder, started again after each test; two files do that by themselves. */
async function sandbox(context) {
  const restarted = /^(?!crash|restart).*\.test\.mjs$/;
  const runs = [nodeTests('tests/sandbox'), nodeTests('tests/sandbox', restarted, { SANDBOX_RESTARTS: '1' })];
  return sum(await inTurn(runs, (run) => run(context)));
}

/** Files of tests/workerd that also run against the library, by runtime: see tests/library/implementations.mjs. */
const SHARED = ['payment', 'refusals', 'plans', 'stream', 'http-behaviour', 'x402', 'first-byte'];
const IMPLEMENTATIONS = {
  node: [...SHARED, 'bypass'],
  workerd: [...SHARED, 'state', 'deferred-settlement', 'sockets', 'passes', 'live-config'],
};

/** The library's own tests, and the Worker's tests against the library. */
async function library(context) {
  const own = await nodeTests('tests/library')(context);
  const shared = await inTurn(Object.entries(IMPLEMENTATIONS), ([implementation, names]) => {
    for (const name of names) accessSync(repoPath('tests/workerd', `${name}.test.mjs`));
    const match = new RegExp(`^(${names.join('|')})\\.test\\.mjs$`);
    return nodeTests('tests/workerd', match, { PAYWALL_IMPLEMENTATION: implementation })(context);
  });
  return sum([own, ...shared]);
}

/** A folder of node:test files. They find what was set up in CHROME_PATH and PYTHON, and `more` in their environment. */
function nodeTests(folder, match = /\.test\.mjs$/, more = {}) {
  return async ({ report, chromium, python }) => {
    const files = list(folder, match).map((name) => `${folder}/${name}`);
    if (files.length === 0) return sum([]);
    const env = { ...more, ...(chromium && { CHROME_PATH: chromium }), ...(python && { PYTHON: python }) };
    const counts = { passed: 0, failed: 0, skipped: 0, report: '' };
    const said = new Map();
    const failures = [];
    const read = (line) => {
      const test = parse(line);
      if (!test) return failures.push(line);
      if (test.type === 'said') return said.set(test.file, (said.get(test.file) ?? '') + test.text);
      // Groups are not tests, a test with parts fails with the part that is counted, a file is no test of its own.
      if (test.suite || test.kind === 'subtestsFailed' || (test.type === 'pass' && repoPath(test.name) === repoPath(test.file ?? ''))) return;
      if (test.skip !== undefined) return counts.skipped++;
      report(test.name);
      if (test.type === 'pass') return counts.passed++;
      counts.failed++;
      failures.push(`${test.name}\n${indent(test.error)}`);
      if (said.has(test.file)) {
        failures.push(`printed by ${test.file} until then:\n${indent(said.get(test.file).trimEnd())}`);
        said.delete(test.file);
      }
    };
    // Each file starts servers of its own on free ports, and most wait for them: two at a time on a small machine.
    const concurrency = Math.min(4, Math.max(2, availableParallelism()));
    const args = ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${15 * MINUTES}`, '--test-reporter=./scripts/lib/reporter.mjs'];
    const { code, stderr } = await run(process.execPath, [...args, ...files], {
      env, anyCode: true, timeout: 12 * MINUTES, onLine: (line, stream) => stream === 'stdout' && read(line),
    });
    if (code !== 0 && counts.failed === 0) {
      counts.failed = 1;
      failures.push(`node --test ended with ${code}\n${indent(stderr)}`);
    }
    return { ...counts, report: failures.join('\n\n') };
  };
}

/** Plain Python programs, each against a sandbox of its own, and the node:test files that need Python beside our parts. */
async function python(context) {
  const { startSandbox } = await import('./start.mjs');
  const programs = await inTurn(list('tests/python', /^test_.*\.py$/), async (name) => {
    context.report(name);
    const sandbox = await startSandbox();
    try {
      const env = { SANDBOX_URL: sandbox.url, NVM_BACKEND_URL: sandbox.url, NVM_FRONTEND_URL: sandbox.url, PYTHONUNBUFFERED: '1' };
      const { code, output } = await run(context.python, [repoPath('tests/python', name)], { env, anyCode: true, timeout: 5 * MINUTES });
      const lines = (pattern) => output.match(pattern)?.length ?? 0;
      const result = { passed: lines(/^ok\b(?!.*# SKIP)/gm), failed: lines(/^not ok\b/gm), skipped: lines(/^ok\b.*# SKIP/gm), report: '' };
      if (code !== 0) result.failed ||= 1;
      if (result.failed > 0) result.report = `${name}\n${indent(output.trim())}`;
      return result;
    } finally {
      await sandbox.stop();
    }
  });
  return sum([...programs, await nodeTests('tests/python')(context)]);
}

/** The files of a folder whose names match; none where there is no such folder. */
function list(folder, match) {
  try {
    return readdirSync(repoPath(folder)).filter((name) => match.test(name)).sort();
  } catch {
    return [];
  }
}

function sum(results) {
  const total = { passed: 0, failed: 0, skipped: 0, report: '' };
  for (const { passed, failed, skipped, report } of results) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    if (report) total.report += (total.report && '\n\n') + report;
  }
  return total;
}

async function inTurn(items, work) {
  const results = [];
  for (const item of items) results.push(await work(item));
  return results;
}

const indent = (text = '') => text.replace(/^/gm, '    ');

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

