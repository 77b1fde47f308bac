// A folder for what is forgotten at the end. SQLite waits for the disk at each commit; where the system has a folder in memory
// there is none to wait for.
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const NAME = 'payments-wasm-sandbox-';

/** Makes one. What processes left there that were killed goes first: memory is dear. */
export function scratch() {
  const root = inMemory() ? MEMORY : tmpdir();
  for (const name of readdirSync(root).filter((one) => one.startsWith(NAME))) {
    const pid = Number(name.slice(NAME.length).split('-')[0]);
    if (!lives(pid)) forget(join(root, name));
  }
  return mkdtempSync(join(root, `${NAME}${process.pid}-`));
}

/** Removes it. */
export const forget = (folder) => rmSync(folder, { recursive: true, force: true });

function inMemory() {
  if (process.platform !== 'linux') return false;
  try {
    accessSync(MEMORY, constants.W_OK);
    return true;
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
