// The folder of `--data`: of one sandbox at a time, and what was in it is in it still.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from './usage-error.js';

const LOCK = 'sandbox.lock';
/** Names the databases of a folder that a sandbox has run in. */
const NOTE = 'sandbox.json';
const HEAD = 'SQLite format 3\0';
/** Where the first page of a database says what it is (a leaf) and, two bytes on, how many entries it has: one for each table. */
const PAGE = 100;
const LEAF = 13;
/** How the log beside a database begins, and how long its head is. */
const LOG = ['377f0682', '377f0683'];
const LOG_HEAD = 32;

/** Makes the folder, or takes it as it is: for this process alone, until it ends. */
export function takeFolder(folder) {
  try {
    makeFolder(folder);
    lock(folder);
  } catch (error) {
    throw error instanceof UsageError ? error : unusable(folder, error);
  }
  check(folder);
}

/** Notes what is in it, once a sandbox has started there. */
export function noteFolder(folder) {
  try {
    writeFileSync(join(folder, NOTE), `${JSON.stringify({ databases: databases(folder) }, undefined, 2)}\n`);
  } catch (error) {
    throw unusable(folder, error);
  }
}

/** With what stands above it. Node's own way never ends where a system refuses to make one, as in /proc. */
export function makeFolder(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code === 'EEXIST' && statSync(folder).isDirectory()) return;
    const above = dirname(folder);
    if (error.code !== 'ENOENT' || existsSync(above)) throw error;
    makeFolder(above);
    mkdirSync(folder);
  }
}

function unusable(folder, { code, message }) {
  const why = { EEXIST: 'it is a file', ENOTDIR: 'a part of it is a file', EROFS: 'nothing can be written there', EACCES: 'nothing may be written there', EPERM: 'nothing may be written there', ENOSPC: 'the disk is full' }[code];
  return new UsageError(`--data: ${folder} cannot be used: ${why ?? message}`);
}

function lock(folder) {
  const path = join(folder, LOCK);
  const own = identity(process.pid);
  for (;;) {
    try {
      writeFileSync(path, own, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = text(path);
    if (holder === undefined) continue;
    const pid = Number.parseInt(holder, 10);
    if (holder === '' || identity(pid) === holder) {
      throw new UsageError(`--data: ${folder} is in use by another sandbox${pid ? ` (process ${pid})` : ''}: end that one, or choose another folder. If there is none, remove ${path}`);
    }
    // Whoever held it was killed.
    rmSync(path, { force: true });
    settle(path, own);
    if (text(path) === own) break;
  }
  process.on('exit', () => { if (text(path) === own) rmSync(path, { force: true }); });
}

/** Two may have found the lock of one that was killed, and each removed it: the last to write has it. */
function settle(path, own) {
  try {
    writeFileSync(path, own, { flag: 'wx' });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
}

/** A process, and when it began, where the system says so: numbers of processes are used again. Empty where there is none. */
function identity(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return '';
  }
  const stat = text(`/proc/${pid}/stat`);
  const began = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return [pid, began, text('/proc/sys/kernel/random/boot_id')?.trim()].filter((part) => part !== undefined).join(' ');
}

function text(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** An empty file is an empty world to the runtime: whoever had another in it is told. */
function check(folder) {
  const known = noted(folder);
  for (const name of new Set([...known, ...databases(folder)])) {
    const head = start(join(folder, name), HEAD.length)?.toString('latin1');
    if (head === HEAD && !(known.includes(name) && isForgotten(join(folder, name)))) continue;
    const state = head === HEAD ? 'has lost its log (-wal)' : head === undefined ? 'is gone' : head === '' ? 'is empty' : 'is no database';
    throw new UsageError(`--data: ${join(folder, name)} ${state}: what this sandbox knew was in it. Put the file back, or remove ${folder} to begin anew`);
  }
}

/**
 * True if a database has no table and no log beside it. A sandbox that was killed left all its data in the log: without
 * the log the runtime sees an empty database.
 */
function isForgotten(path) {
  const first = start(path, PAGE + 5);
  const log = start(`${path}-wal`, LOG_HEAD + 1);
  const isLog = log?.length > LOG_HEAD && LOG.includes(log.toString('hex', 0, 4));
  return first?.length === PAGE + 5 && first[PAGE] === LEAF && first.readUInt16BE(PAGE + 3) === 0 && !isLog;
}

function noted(folder) {
  try {
    const { databases: names } = JSON.parse(readFileSync(join(folder, NOTE), 'utf8'));
    return names.filter((name) => typeof name === 'string' && !name.includes('..'));
  } catch {
    return [];
  }
}

/** The databases of the sandbox in a folder, each with the folder that the runtime made for it. */
function databases(folder) {
  const inside = (path) => readdirSync(path, { withFileTypes: true });
  return inside(folder).filter((one) => one.isDirectory() && /Sandbox$/.test(one.name))
    .flatMap(({ name }) => inside(join(folder, name)).filter((file) => /\.sqlite$/.test(file.name)).map((file) => join(name, file.name)))
    .sort();
}

/** The first bytes of a file; nothing where it cannot be read. */
function start(path, length) {
  try {
    if (!statSync(path).isFile()) return undefined;
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(length);
    const read = readSync(file, bytes, 0, length, 0);
    closeSync(file);
    return bytes.subarray(0, read);
  } catch {
    return undefined;
  }
}
