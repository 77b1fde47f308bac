// The paywall as a library, in the place of the Worker in the tests of `tests/workerd`: the same tables at another face.
// `PAYWALL_IMPLEMENTATION=node` is a server of node:http in this process, `PAYWALL_IMPLEMENTATION=workerd` a Worker of a few lines.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';

export const IMPLEMENTATION = process.env.PAYWALL_IMPLEMENTATION ?? 'worker';

/** As `startPaywall`: what is bound or configured for the Worker is so for the library. */
export async function startImplementation({ options, origin, vars = {}, ...more }) {
  if (IMPLEMENTATION === 'node') return startInNode({ origin, vars, ...more });
  if (IMPLEMENTATION !== 'workerd') return startPaywall({ options, origin, vars, ...more });
  const folder = await bundled(WORKER);
  return startPaywall({
    ...more, origin, vars: { UPSTREAM: vars.ORIGIN_URL ?? origin, ...vars },
    options: { modulesRoot: folder, scriptPath: `${folder}/stdin.js`, ...options },
  });
}

/** A Worker of a seller who has the handler in the same Worker; here it calls another service. */
const WORKER = `
  import { paywall, PaywallState } from 'payments-wasm/paywall';
  import * as pageScripts from 'payments-wasm/paywall/page';
  export { PaywallState };
  const handler = (request, { env, paymentContext }) => {
    if (paymentContext && !request.headers.has('x-payment-plan')) throw new Error('a context where there is no payment');
    if (env.ORIGIN) return env.ORIGIN.fetch(request);
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(env.UPSTREAM.replace(/\\/$/, '') + pathname + search, request));
  };
  const gate = paywall(handler, { pageScripts, onBeforeVerify() {}, onAfterVerify() {}, onAfterSettle() {} });
  export default { fetch: gate };
`;

/** A Worker's source with the package in it, as wrangler bundles it; the folder that it is in. */
export async function bundled(source, name = 'library') {
  const folder = repoPath('target', `test-${name}-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  const { build } = await import('esbuild');
  await build({
    stdin: { contents: source, resolveDir: folder },
    bundle: true, format: 'esm', outdir: `${folder}/bundle`, conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
  });
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return `${folder}/bundle`;
}

async function startInNode({ origin, api, key, routes, environment = 'custom', vars, binding, state = false, instances = 1 }) {
  const { paywall } = await import('../../target/dist/subscriber/paywall.js');
  const { toNodeListener } = await import('../../target/dist/subscriber/paywall.node.js');
  const { routes: listed = routes, open, unlisted = 'deny', allowedOrigins } = typeof routes.routes === 'object' ? routes : { routes };
  const env = Object.fromEntries(Object.entries({
    NVM_API_KEY: key, NVM_ENVIRONMENT: environment, NVM_API_URL: api, ROUTES: listed, OPEN_ROUTES: open, UNLISTED: unlisted,
    ALLOWED_ORIGINS: allowedOrigins, ...vars,
  }).filter(([, value]) => value !== undefined));
  const gate = paywall(binding ?? vars.ORIGIN_URL ?? origin, { ...(state && { state: 'memory' }) });
  const heard = listen();
  const servers = await Promise.all(Array.from({ length: instances }, async () => {
    const server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener((request, context) => gate(request, { ...env, ...context })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  const urls = servers.map((server) => `http://127.0.0.1:${server.address().port}`);
  return {
    url: urls[0], urls, said: () => heard.text(),
    async stop() {
      heard.end();
      await gate.close();
      await Promise.all(servers.map((server) => new Promise((done) => { server.closeAllConnections(); server.close(done); })));
    },
  };
}

/** Collects the lines that this process prints from now on. */
function listen() {
  let text = '';
  const was = {};
  for (const name of ['log', 'warn', 'error']) {
    was[name] = console[name];
    console[name] = (...parts) => { text += `${parts.map((part) => part?.stack ?? String(part)).join(' ')}\n`; };
  }
  return { text: () => text, end: () => Object.assign(console, was) };
}
