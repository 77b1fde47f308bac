// npm run mutation-test [-- part-of-a-path ...]: breaks the core in every small way that cargo-mutants knows and looks whether a
// test fails. What may survive is written down in tests/equivalent-mutants.txt, with its reason; any other survivor is an error.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { UserError, main } from './lib/cli.mjs';
import { repoPath, run, which } from './lib/run.mjs';
import { count, duration, out, working } from './lib/terminal.mjs';

/** Where who pays, and how much, is decided. */
const FOLDERS = ['src/subscriber', 'src/wire', 'src/paywall'];
/** The tables that say how. */
const TESTS = ['--lib', ...['subscriber', 'dialects', 'wire', 'paywall', 'secret'].flatMap(tests)];
/** How many stories the gate's property is told for each mutant. */
const GATE_RUNS = '200';
const KNOWN = 'tests/equivalent-mutants.txt';

main(async () => {
  const files = chosen(process.argv.slice(2));
  if (!which('cargo-mutants')) throw new UserError('cargo-mutants is not installed', 'cargo install --locked cargo-mutants');
  const known = read(KNOWN);
  // cargo-mutants works on a copy of its own and leaves the tree alone; the copy lives here while it runs.
  const folder = repoPath('target', 'mutants');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const args = ['mutants', ...files.flatMap((file) => ['--file', file]), '--no-shuffle', '--jobs', '1',
    '--colors', 'never', '--output', folder, ...TESTS.map((arg) => `--cargo-arg=${arg}`)];
  const started = performance.now();
  const env = { TMPDIR: folder, CARGO_PROFILE_DEV_DEBUG: '0', GATE_RUNS };
  const { code, output } = await working('mutants', (report) => run('cargo', args, { anyCode: true, env, onLine: report }));
  // 2: some survived. 3: some never ended. Anything else is no answer.
  if (![0, 2, 3].includes(code)) throw new UserError(`cargo mutants ended with ${code}\n\n${output.trim().split('\n').slice(-40).join('\n')}`);
  // A file of names alone has nothing to break.
  if (output.includes('Found 0 mutants')) return console.log('0 mutants');
  const { outcomes, ...sums } = JSON.parse(readFileSync(`${folder}/mutants.out/outcomes.json`, 'utf8'));
  const survivors = outcomes.filter(({ summary }) => summary === 'MissedMutant').map(({ scenario }) => name(scenario.Mutant));
  const unknown = survivors.filter((survivor) => !known.has(survivor));

  for (const survivor of unknown) console.log(`${out.red('✗')} ${survivor}`);
  const stale = [...known.keys()].filter((mutant) => !survivors.includes(mutant) && files.some((file) => mutant.startsWith(`${file}: `)));
  for (const line of stale) console.log(`${out.yellow('!')} in ${KNOWN}, and does not survive: ${line}`);
  console.log(`${count(sums.total_mutants)} mutants: ${count(sums.caught + sums.timeout)} found, ${count(sums.unviable)} do not compile, `
    + `${count(survivors.length - unknown.length)} known to change nothing, ${count(unknown.length)} survive  `
    + out.dim(duration(performance.now() - started)));
  return unknown.length > 0 || stale.length > 0 ? 1 : 0;
});

/** The files of these folders, or those of them whose path has one of `parts` in it. */
function chosen(parts) {
  const files = FOLDERS.flatMap((folder) => readdirSync(repoPath(folder), { recursive: true })
    .filter((file) => file.endsWith('.rs') && !/(^|\/)tests(\/|\.rs$)/.test(file)).sort().map((file) => `${folder}/${file}`));
  const none = parts.find((part) => !files.some((file) => file.includes(part)));
  if (none) throw new UserError(`no file of ${FOLDERS.join(' or ')} has ${none} in its path`);
  return parts.length > 0 ? files.filter((file) => parts.some((part) => file.includes(part))) : files;
}

/** `--test name` for each test, a file or a folder with `main.rs`, whose name begins so. */
function tests(beginning) {
  const files = readdirSync(repoPath('tests')).filter((file) => file.startsWith(beginning) && (file.endsWith('.rs') || existsSync(repoPath('tests', file, 'main.rs'))));
  return files.flatMap((file) => ['--test', file.replace(/\.rs$/, '')]);
}

/**
 * A mutant by what it does and the line it does it to, the place marked: line numbers move with every change.
 * `src/wire/base64.rs: replace > with >= in decode: if text.len() / 4 * 3 «>» limit {`
 */
function name({ file, name, span: { start, end } }) {
  const what = name.replace(/^\S+?:\d+:\d+: /, '');
  const line = readFileSync(repoPath(file), 'utf8').split('\n')[start.line - 1];
  const [before, rest] = [line.slice(0, start.column - 1), line.slice(start.column - 1)];
  const inside = start.line === end.line ? rest.slice(0, end.column - start.column) : rest;
  return `${file}: ${what}: ${`${before}«${inside}»${rest.slice(inside.length)}`.trim()}`;
}

/** `mutant -- reason`, a line each; empty lines and those that begin with # are for people. */
function read(file) {
  const lines = readFileSync(repoPath(file), 'utf8').split('\n').filter((line) => line.trim() && !line.startsWith('#'));
  return new Map(lines.map((line) => {
    const [mutant, reason] = line.split(' -- ');
    if (!reason?.trim()) throw new UserError(`a line of ${file} has no reason: ${line}`);
    return [mutant.trim(), reason.trim()];
  }));
}
