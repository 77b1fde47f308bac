// Asks a person at the terminal.
import { createInterface } from 'node:readline/promises';
import { UsageError } from './usage-error.js';

/** True if the answer is yes. `instead` says which flags answer where nobody can. */
export async function agreed(question, instead) {
  if (!process.stdin.isTTY) throw new UsageError(`${question} Nobody can be asked here: give ${instead}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
