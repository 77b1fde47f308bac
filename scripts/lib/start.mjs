// The servers of the demo and the tests: Workers in workerd through miniflare, each on its own port of 127.0.0.1, and a
// static server for the page. `setup` and `build` come before; this file only starts what is there.
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { onParentExit } from '../../src/cli/parent-exit.js';
import { dist } from './build.mjs';
import { UserError } from './cli.mjs';
import { servePage } from '../../src/cli/page.js';
import { repoPath } from './run.mjs';
import { forget, scratch } from '../../src/cli/temporary-folder.js';

const HOST = '127.0.0.1';
const COMPATIBILITY_DATE = '2026-04-01';
const MODULES = [
  { type: 'ESModule', include: ['**/*.js', '**/*.mjs'] },
  { type: 'CompiledWasm', include: ['**/*.wasm'] },
];

/**
 * The sandbox: Nevermined in small. `data` is a folder in which its state survives a restart; without one it is
 * forgotten. `vars` are the Worker's variables, `log` sees each line that the Worker prints.
 */
export async function startSandbox({ port = 0, data, log, vars = {} } = {}) {
  const folder = data ? resolve(data) : scratch();
  mkdirSync(folder, { recursive: true });
  const after = () => { if (!data) forget(folder); };
  try {
    return await startWorker('sandbox', {
      port, log, after,
      worker: {
        ...built('sandbox'),
        bindings: vars,
        durableObjects: { SANDBOX: { className: 'Sandbox', useSQLite: true } },
      },
      shared: { durableObjectsPersist: folder },
    });
  } catch (error) {
    after();
    throw error;
  }
}

/**
 * The paywall in front of `origin`. `api` and `key` are the facilitator and the seller's key, `routes` what
 * `{ "POST /ask": { planId, credits, agentId } }` says, all else being denied, or the whole of
 * `{ routes, open, unlisted, allowedOrigins }`. `binding`, a service as miniflare knows them, is bound as ORIGIN; `options`
 * are other options of miniflare's for the Worker. With `state` the paywall has its Durable Object, in the
 * folder `data` if one is named; `instances` says how many Workers share it: `urls` are theirs. `object(name)` is one of the
 * objects, to be spoken to. `beside` are Workers that run beside it.
 */
export async function startPaywall({
  port = 0, origin, api, key, routes, environment = 'custom', vars = {}, binding, options, log, state = false, data, instances = 1,
  beside = [],
}) {
  const config = 'routes' in routes && typeof routes.routes === 'object' ? routes : { routes, unlisted: 'deny' };
  const text = (value) => (value === undefined ? undefined : JSON.stringify(value));
  const bindings = {
    NVM_API_KEY: key, NVM_ENVIRONMENT: environment, NVM_API_URL: api, ORIGIN_URL: origin, ROUTES: text(config.routes),
    OPEN_ROUTES: text(config.open), UNLISTED: config.unlisted, ALLOWED_ORIGINS: text(config.allowedOrigins), ...vars,
  };
  const folder = data && resolve(data);
  if (folder) mkdirSync(folder, { recursive: true });
  const worker = (first) => ({
    ...built('worker'),
    compatibilityFlags: ['enable_request_signal'],
    bindings: Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== undefined)),
    ...(binding && { serviceBindings: { ORIGIN: binding } }),
    ...options,
    ...(state && { durableObjects: { PAYWALL_STATE: { className: 'PaywallState', useSQLite: true, ...(!first && { scriptName: 'paywall' }) } } }),
  });
  const others = Array.from({ length: instances - 1 }, (_, index) => ({
    name: `paywall-${index + 2}`, unsafeDirectSockets: [{ host: HOST, port: 0 }], ...worker(false),
  }));
  return startWorker('paywall', {
    port, log, others: [...others, ...beside], worker: worker(true), shared: folder ? { durableObjectsPersist: folder } : {},
    async more(miniflare) {
      const urls = await Promise.all(['paywall', ...others.map(({ name }) => name)].map(async (name) =>
        (await miniflare.unsafeGetDirectURL(name)).origin));
      const object = async (name) => {
        const namespace = await miniflare.getDurableObjectNamespace('PAYWALL_STATE', 'paywall');
        return namespace.get(namespace.idFromName(name));
      };
      return { urls, ...(state && { object }) };
    },
  });
}

/** The demo's origin: the service that is sold. `calls()` lists the requests that reached it. */
export async function startOrigin({ port = 0, log } = {}) {
  const calls = [];
  const server = await startWorker('origin', {
    port, log,
    worker: {
      // In front of the origin stands a Worker that notes each request, so that the origin itself stays a plain service.
      modules: [{ type: 'ESModule', path: 'noting.js', contents: NOTING }],
      serviceBindings: {
        ORIGIN: 'service',
        NOTE: async (request) => {
          calls.push(await request.json());
          return new Response(null, { status: 204 });
        },
      },
    },
    others: [{ name: 'service', modules: true, modulesRoot: repoPath('www'), scriptPath: repoPath('www/origin.js'), modulesRules: MODULES }],
  });
  return { ...server, calls: () => [...calls] };
}

const NOTING = `export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    const note = { method: request.method, path: pathname + search, headers: Object.fromEntries(request.headers) };
    await env.NOTE.fetch('http://note/', { method: 'POST', body: JSON.stringify(note) });
    return env.ORIGIN.fetch(request);
  },
};`;

/**
 * The page: www/ at /, the npm package at /pkg/, and `config` at /config.json. The page may talk to the origins of the
 * URLs in the config, and to no others.
 */
export async function startPage({ port = 0, config = {} } = {}) {
  await freePort('page', port);
  return ended(await servePage({ host: HOST, port, config, folders: { '/pkg/': dist('subscriber'), '/': repoPath('www') } }));
}

/** A built Worker as miniflare wants it: entry, glue and snippets as modules, the wasm as a compiled module. */
function built(artefact) {
  const folder = dist(artefact);
  if (!existsSync(`${folder}/entry.js`)) throw new UserError(`${artefact} is not built`, `npm run build -- ${artefact}`);
  return {
    modules: true,
    modulesRoot: folder,
    scriptPath: `${folder}/entry.js`,
    modulesRules: MODULES,
  };
}

async function startWorker(title, { port, worker, others = [], shared = {}, log, more, after }) {
  await freePort(title, port);
  const { Miniflare, NoOpLog } = await runtime();
  // A socket of the Worker's own: miniflare's shared one stands behind a Worker that normalises URLs and headers and
  // turns exceptions into pages, and a paywall has to see what was really sent.
  const workers = [{ name: title, unsafeDirectSockets: [{ host: HOST, port }], ...worker }, ...others];
  const said = [];
  const miniflare = new Miniflare({
    host: HOST, ...shared,
    log: new NoOpLog(),
    cf: false,
    handleRuntimeStdio(stdout, stderr) {
      for (const stream of [stdout, stderr]) {
        stream.setEncoding('utf8').on('data', (text) => {
          said.push(text);
          if (said.length > 200) said.shift();
          log?.(text);
        });
      }
    },
    workers: workers.map((one) => ({ compatibilityDate: COMPATIBILITY_DATE, ...one })),
  });
  let url;
  let added;
  try {
    await miniflare.ready;
    url = (await miniflare.unsafeGetDirectURL(title)).origin;
    added = await more?.(miniflare);
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    throw new UserError(`the ${title} did not start: ${error.message}\n\n${said.join('').trim()}`);
  }
  return ended({ url, miniflare, ...added, stop: () => miniflare.dispose().finally(after), said: () => said.join('') });
}

/** miniflare, told to start workerd through a script that ends it with us. */
async function runtime() {
  if (process.platform !== 'win32') {
    process.env.REAL_WORKERD = createRequire(import.meta.url)('workerd').default;
    process.env.MINIFLARE_WORKERD_PATH = repoPath('src/cli/workerd.sh');
  }
  return import('miniflare');
}

/** Says that a port is taken before workerd does so in its own words. */
async function freePort(title, port) {
  if (port === 0) return;
  const probe = createServer();
  await new Promise((done, fail) => {
    probe.once('error', (error) => {
      const taken = error.code === 'EADDRINUSE';
      fail(new UserError(`port ${port} for the ${title} ${taken ? 'is in use' : `cannot be used (${error.code})`}`, 'choose another with --port'));
    });
    probe.listen(port, HOST, () => probe.close(done));
  });
}

// Whatever way this process ends, its servers end too: signals stop them in order, workerd.sh does the rest. A killed npm
// takes the script that it runs with it no more than any other parent would, so that is looked for.

const running = new Set();

function ended(server) {
  watchOver();
  const entry = { ...server, stop: undefined };
  let stopping;
  entry.stop = () => (stopping ??= Promise.resolve(server.stop()).finally(() => running.delete(entry)));
  running.add(entry);
  return entry;
}

let watching = false;
function watchOver() {
  if (watching) return;
  watching = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, endAll);
  if (!process.env.npm_lifecycle_event) return;
  onParentExit(() => endAll('SIGHUP'));
}

let ending = false;
async function endAll(signal) {
  if (ending) return;
  ending = true;
  const patience = setTimeout(() => process.exit(1), 5000);
  await Promise.allSettled([...running].map((server) => server.stop()));
  clearTimeout(patience);
  process.exit(signal === 'SIGINT' ? 130 : 0);
}
