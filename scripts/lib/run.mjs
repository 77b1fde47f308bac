// Child processes: run one to its end, with its lines at hand while it runs and its words in the error when it fails.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from './cli.mjs';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** A path inside the repository. */
export const repoPath = (...parts) => join(root, ...parts);

/**
 * Runs a program to its end and gives `{ code, stdout, stderr, output }`, `output` being both streams as they came.
 * `onLine(line, stream)` sees each line. A code other than 0 is an error unless `anyCode`.
 */
export function run(program, args = [], { cwd = root, env, onLine, anyCode = false, timeout } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { stdout: '', stderr: '', output: '' };
    for (const name of ['stdout', 'stderr']) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (chunk) => {
        text[name] += chunk;
        text.output += chunk;
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        if (onLine) for (const line of lines) onLine(line, name);
      });
      child[name].on('end', () => { if (rest && onLine) onLine(rest, name); });
    }
    child.on('error', (error) => reject(error.code === 'ENOENT' ? new UserError(`${program} is not installed`) : error));
    child.on('close', (code, signal) => {
      if (code === 0 || anyCode) return resolve({ code: code ?? 1, signal, ...text });
      const said = text.output.trim().split('\n').slice(-60).join('\n');
      reject(new UserError(`${[program, ...args].join(' ')} failed (${signal ?? `exit code ${code}`})\n\n${said}`));
    });
  });
}

/** Where a program stands on PATH, or undefined. */
export function which(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      for (const ending of process.platform === 'win32' ? ['.exe', '.cmd', ''] : ['']) {
        const path = join(folder, name + ending);
        if (folder && isProgram(path)) return path;
      }
    }
  }
  return undefined;
}

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
