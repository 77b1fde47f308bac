// A folder for what is forgotten at the end, however this process ends. SQLite waits for the disk at each commit; where the
// system has a folder in memory there is none to wait for.
import { accessSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { constants as system, tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const NAME = 'payments-wasm-sandbox-';
/** The free space that is needed there: containers often have 64 MB in all. */
const ENOUGH = 512 * 1024 * 1024;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const made = new Set();

/** Makes one. What processes left there that were killed goes first: memory is dear, and there are keys in it. */
export function scratch() {
  const root = inMemory() ? MEMORY : tmpdir();
  for (const name of readdirSync(root).filter((one) => one.startsWith(NAME))) {
    const pid = Number(name.slice(NAME.length).split('-')[0]);
    if (!lives(pid)) remove(join(root, name));
  }
  if (made.size === 0) watchOver();
  const folder = mkdtempSync(join(root, `${NAME}${process.pid}-`));
  made.add(folder);
  return folder;
}

/** Removes it. */
export function forget(folder) {
  remove(folder);
  made.delete(folder);
}

/** Somebody may still be writing there. */
const remove = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });

let watching = false;
function watchOver() {
  if (watching) return;
  watching = true;
  process.on('exit', () => made.forEach(forget));
  // A signal that nobody listens to ends a process without a word.
  for (const signal of SIGNALS) {
    process.on(signal, () => { if (process.listenerCount(signal) === 1) process.exit(128 + system.signals[signal]); });
  }
}

/** Does some work while the folder for temporary files is another: what is made by it is forgotten with that. */
export function temporarily(folder, work) {
  const names = ['TMPDIR', 'TEMP', 'TMP'];
  const was = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = folder;
  try {
    return work();
  } finally {
    for (const [at, name] of names.entries()) {
      if (was[at] === undefined) delete process.env[name];
      else process.env[name] = was[at];
    }
  }
}

function inMemory() {
  if (process.platform !== 'linux') return false;
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ENOUGH;
  } catch {
    return false;
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
