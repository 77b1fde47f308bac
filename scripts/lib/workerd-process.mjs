// The sandbox in a workerd of its own, without miniflare around it: what is killed and started again many times is the process
// that holds the data, and nothing else. It starts in a fraction of a second.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { dist } from './build.mjs';
import { repoPath } from './run.mjs';

const COMPATIBILITY_DATE = '2026-04-01';

/**
 * Starts the built sandbox over the folder `data`, at a port that the system chooses. `kill()` ends it as a power cut would, as
 * far as one process can see; `ended` is settled when it is gone. `root` is the folder of another Worker with a `Sandbox` in it.
 */
export async function startWorkerd({ data, root = dist('sandbox') }) {
  const folder = resolve(data);
  mkdirSync(join(folder, 'objects'), { recursive: true });
  const config = join(folder, 'config.capnp');
  writeFileSync(config, configuration(folder, root));
  const workerd = createRequire(import.meta.url)('workerd').default;
  const [command, args] = process.platform === 'win32' ? [workerd, []] : [repoPath('src/cli/workerd.sh'), []];
  const child = spawn(command, [...args, 'serve', '--control-fd=3', config], {
    env: { ...process.env, REAL_WORKERD: workerd }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-10_000); });
  const ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
  const port = await new Promise((found, failed) => {
    let text = '';
    child.stdio[3].setEncoding('utf8').on('data', (more) => {
      text += more;
      for (const line of text.split('\n').slice(0, -1)) {
        const message = JSON.parse(line);
        if (message.event === 'listen') found(message.port);
      }
      text = text.slice(text.lastIndexOf('\n') + 1);
    }).on('error', () => {});
    ended.then(({ code, signal }) => failed(new Error(`workerd ended with ${signal ?? code}: ${said}`)));
  });
  const kill = () => { child.kill('SIGKILL'); return ended; };
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, ended, kill, stop: kill };
}

/** The configuration of workerd, in Cap'n Proto text. */
function configuration(folder, root) {
  const text = (value) => JSON.stringify(value);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /\.(js|mjs|wasm)$/.test(entry.name));
  const names = files.map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))).sort((a) => (a === 'entry.js' ? -1 : 1));
  const modules = names.map((name) => `(name = ${text(name)}, ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed ${text(relative(folder, join(root, name)))})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "sandbox", worker = .sandbox), (name = "objects", disk = (path = ${text(join(folder, 'objects'))}, writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "sandbox")]
);
const sandbox :Workerd.Worker = (
  modules = [${modules.join(',\n    ')}],
  compatibilityDate = ${text(COMPATIBILITY_DATE)},
  durableObjectNamespaces = [(className = "Sandbox", uniqueKey = "sandbox", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
  bindings = [(name = "SANDBOX", durableObjectNamespace = "Sandbox")]
);
`;
}
