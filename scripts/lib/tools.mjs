// Everything a command needs that a machine with rustup and Node does not have yet. Each tool has one function that is
// quick when the tool is there, fetches it with visible progress when it is not, and otherwise says the exact fix.
// This file runs before `npm ci`: it may import node's own modules only.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { UserError } from './cli.mjs';
import { repoPath, isProgram, root, run, which } from './run.mjs';
import { notice, step } from './terminal.mjs';

/** The oldest Node that the npm package and these commands run on: the first 20 with `require` of ES modules. */
const OLDEST_NODE = [20, 19];
const WASM_TARGET = 'wasm32-unknown-unknown';
/** The other runtimes of JavaScript, as packages of npm whose binaries are packages too. */
const RUNTIMES = { deno: 'deno@2.9.6', bun: 'bun@1.4.5' };
const REQUIREMENTS = 'tests/python/requirements.txt';

/**
 * Makes the named tools ready, in order, and gives what a caller needs to know about them:
 * `bindgen` and `chromium` are paths; `python`, `deno` and `bun` are paths, or undefined where there is none.
 */
export async function setup(...names) {
  checkNode();
  await nodeModules();
  const ready = {};
  for (const name of names) Object.assign(ready, await TOOLS[name]());
  return ready;
}

const TOOLS = {
  async rust() {
    await rust();
  },
  async bindgen() {
    await rust();
    return bindgen();
  },
  async chromium() {
    return { chromium: await chromium() };
  },
  async python() {
    return { python: await python() };
  },
  async runtimes() {
    return runtimes();
  },
};

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new UserError(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}`, 'https://nodejs.org');
}

/** Installs node_modules when it is not what package-lock.json says. */
async function nodeModules() {
  const wanted = readJson(repoPath('package-lock.json'))?.packages ?? {};
  const present = readJson(repoPath('node_modules/.package-lock.json'))?.packages ?? {};
  const missing = Object.entries(wanted).some(
    ([path, { version, optional }]) => path !== '' && !optional && present[path]?.version !== version,
  );
  if (!missing) return;
  await step('npm packages', async (report) => {
    // None of the packages needs its install script, and npm 11 no longer runs them unasked.
    await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { onLine: report });
  });
}

export function npm(args, options) {
  // npm names its own program to the scripts it runs; called as `node scripts/x.mjs` there is only PATH.
  const own = process.env.npm_execpath;
  const [program, first] = own?.endsWith('.js') ? [process.execPath, [own]] : [which('npm') ?? 'npm', []];
  return run(program, [...first, ...args], options);
}

let rustReady;
/** Cargo, and the standard library for wasm. */
function rust() {
  return (rustReady ??= (async () => {
    if (!which('cargo')) throw new UserError('Rust is not installed (no cargo on PATH)', 'https://rustup.rs, then open a new terminal');
    const { stdout } = await run('rustc', ['--print', 'sysroot']);
    if (existsSync(join(stdout.trim(), 'lib/rustlib', WASM_TARGET, 'lib'))) return;
    if (!which('rustup')) {
      throw new UserError(`Rust has no ${WASM_TARGET} target, and there is no rustup to add it`, 'https://rustup.rs');
    }
    await step(`Rust target ${WASM_TARGET}`, (report) =>
      run('rustup', ['target', 'add', WASM_TARGET], { onLine: report }).then(() => undefined));
  })());
}

/** tools/bindgen: a program of ours over the library that wasm-bindgen's command line is made of. Built once, and again when it changes. */
async function bindgen() {
  const folder = repoPath('tools/bindgen');
  const [ours, theirs] = [lockedVersion('wasm-bindgen'), lockedVersion('wasm-bindgen-cli-support', join(folder, 'Cargo.lock'))];
  if (ours !== theirs) {
    throw new UserError(`Cargo.lock has wasm-bindgen ${ours}, tools/bindgen/Cargo.lock has ${theirs}: they have to be equal`,
      `set wasm-bindgen-cli-support = "=${ours}" in tools/bindgen/Cargo.toml, then cargo update --manifest-path tools/bindgen/Cargo.toml`);
  }
  const name = process.platform === 'win32' ? 'bindgen.exe' : 'bindgen';
  const program = repoPath('target/tools/bin', name);
  const stamp = repoPath('target/tools/bin/.bindgen');
  const hash = createHash('sha256');
  for (const path of ['Cargo.toml', 'Cargo.lock', 'src/main.rs']) hash.update(readFileSync(join(folder, path)));
  const wanted = hash.digest('hex');
  if (isProgram(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return { bindgen: program };
  await step(`wasm-bindgen ${ours} (built once, about half a minute)`, async (report) => {
    // Its own folder, so that a build that runs at the same time does not wait for this one.
    const build = repoPath('target/tools/bindgen');
    await run('cargo', ['build', '--release', '--locked', '--manifest-path', join(folder, 'Cargo.toml')], {
      env: { CARGO_TARGET_DIR: build, CARGO_BUILD_TARGET: undefined, RUSTFLAGS: undefined, CARGO_ENCODED_RUSTFLAGS: undefined },
      onLine: (line) => report(line.trim()),
    });
    mkdirSync(repoPath('target/tools/bin'), { recursive: true });
    cpSync(join(build, 'release', name), program);
    writeFileSync(stamp, wanted);
    rmSync(build, { recursive: true, force: true });
  });
  return { bindgen: program };
}

/** The version of a crate in Cargo.lock, or in another lock file. */
export function lockedVersion(crate, lock = repoPath('Cargo.lock')) {
  const found = new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`).exec(readFileSync(lock, 'utf8'));
  if (!found) throw new UserError(`${relative(root, lock)} does not name ${crate}`, 'cargo generate-lockfile');
  return found[1];
}

/** The version of this crate, which is the version of everything built here. */
export function crateVersion() {
  return /^version = "([^"]+)"/m.exec(readFileSync(repoPath('Cargo.toml'), 'utf8'))[1];
}

/** A Chromium to drive: CHROME_PATH, the usual names and places, or Debian's own package where we may install it. */
async function chromium() {
  const named = process.env.CHROME_PATH;
  if (named && !isProgram(named)) throw new UserError(`CHROME_PATH names ${named}, which is no program`, 'unset CHROME_PATH, or name a Chromium');
  const find = () =>
    which('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable') ??
    ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium',
      'C:/Program Files/Google/Chrome/Application/chrome.exe'].find(isProgram);
  const found = named ?? find();
  if (found) return found;
  await aptInstall('Chromium', 'chromium fonts-liberation');
  const installed = find();
  if (!installed) throw new UserError('there is no Chromium on this machine', 'install Chromium or Chrome, or set CHROME_PATH');
  return installed;
}

/** Python with the official client, in a folder of its own; undefined, and said so, where there is no Python. */
async function python() {
  const system = which('python3', 'python');
  if (!system) return void notice('Python is not installed: the tests against the official Python client are skipped');
  const program = repoPath(process.platform === 'win32' ? 'target/venv/Scripts/python.exe' : 'target/venv/bin/python');
  const stamp = repoPath('target/venv/.installed');
  const wanted = readFileSync(repoPath(REQUIREMENTS), 'utf8');
  if (existsSync(program) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return program;
  await step(`Python client ${/^payments-py.*/m.exec(wanted)[0]}`, async (report) => {
    mkdirSync(repoPath('target'), { recursive: true });
    const make = () => run(system, ['-m', 'venv', repoPath('target/venv')], { anyCode: true });
    let made = await make();
    if (made.code !== 0 && made.output.includes('ensurepip')) {
      // Debian keeps the part of venv that installs pip in a package of its own.
      rmSync(repoPath('target/venv'), { recursive: true, force: true });
      await aptInstall('python3-venv', 'python3-venv');
      made = await make();
    }
    if (made.code !== 0) throw new UserError(`no virtual environment could be made\n\n${made.output.trim()}`);
    await run(program, ['-m', 'pip', 'install', '--disable-pip-version-check', '-r', repoPath(REQUIREMENTS)], { onLine: report });
    writeFileSync(stamp, wanted);
    return undefined;
  });
  return program;
}

let runtimesReady;
/** Deno and Bun, in a folder of their own; undefined, and said so, what cannot be had here. */
function runtimes() {
  return (runtimesReady ??= (async () => {
    const folder = repoPath('target/tools/runtimes');
    const wanted = Object.values(RUNTIMES);
    const stamp = join(folder, '.installed');
    const failed = [];
    if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted.join()) {
      await step(`${wanted.join(', ')} (once)`, async (report) => {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
        const { code, output } = await npm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted], { cwd: folder, onLine: report, anyCode: true });
        if (code !== 0) return void failed.push(output.trim().split('\n').find((line) => /error/.test(line)) ?? `npm ended with ${code}`);
        writeFileSync(stamp, wanted.join());
        return undefined;
      });
    }
    const ready = {};
    for (const [name, [scope, path]] of Object.entries({ deno: ['@deno', 'deno'], bun: ['@oven', 'bin/bun'] })) {
      const at = join(folder, 'node_modules', scope);
      const programs = existsSync(at) ? readdirSync(at).flatMap((one) => ['', '.exe'].map((end) => join(at, one, path + end))).filter(isProgram) : [];
      for (const program of [...programs, which(name)].filter(Boolean)) {
        const { code } = await run(program, ['--version'], { anyCode: true }).catch(() => ({ code: 1 }));
        if (code === 0) ready[name] ??= program;
      }
      if (!ready[name]) notice(`${name} cannot be had here (${failed[0] ?? 'no program for this machine'}): its tests are skipped`);
    }
    return ready;
  })());
}

/** Installs a Debian package where this process may; elsewhere says the command. */
async function aptInstall(title, name) {
  const command = `apt-get install -y --no-install-recommends ${name}`;
  if (!which('apt-get') || process.getuid?.() !== 0) {
    throw new UserError(`${title} is not installed`, which('apt-get') ? `sudo ${command}` : `install ${title}`);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step(`${title} (apt-get)`, async (report) => {
    await run('apt-get', ['update'], { env, onLine: report, anyCode: true });
    await run('apt-get', command.split(' ').slice(1), { env, onLine: report });
  });
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

