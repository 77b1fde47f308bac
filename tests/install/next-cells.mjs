// Shared by the cells of Next.js: the application is started for production, pays, and is paid.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { startServer } from '../../scripts/lib/install.mjs';

const port = () => new Promise((done) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)); }); });

/** The application with these variables while `work(url, said)` runs. */
async function started(folder, env, work) {
  const at = await port();
  const url = `http://127.0.0.1:${at}`;
  const server = await startServer(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-p', String(at), '-H', '127.0.0.1'], { cwd: folder, url, env: { NEXT_TELEMETRY_DISABLED: '1', ...env } });
  try {
    return await work(url, server.said);
  } finally {
    await server.stop();
  }
}

/** A page of it pays, and so does each of `routes`. */
export async function pays({ folder, chromium, pay, look }, routes) {
  await started(folder, {}, async (url, said) => {
    await pay((config) => look({ chromium, url, path: `/?${new URLSearchParams({ config: JSON.stringify(config) })}` }));
    for (const route of routes) {
      await pay(async (config) => {
        const answer = await fetch(`${url}/api/${route}`, { method: 'POST', body: JSON.stringify(config) });
        if (!answer.ok) throw new Error(`${route}: ${answer.status} ${(await answer.text()).slice(0, 500)}\n${said()}`);
        return answer.json();
      });
    }
  });
}

/** The route behind the middleware. */
const BEHIND = '/api/behind/ask';

/** An open route below a paid one with a parameter runs for each spelling that Next.js takes for it, and the paid one for none; nor does it for a forged mark. */
async function staysApart(url) {
  const spellings = ['free', 'free.rsc', '%66ree'];
  for (const name of [...spellings, 'x', 'x.rsc', '.rsc', 'free.rsc.rsc']) {
    const answer = await fetch(`${url}/api/behind/tools/${name}`);
    const text = await answer.text();
    if (spellings.includes(name)) assert.equal(text, 'free', `${name}: ${answer.status}`);
    else assert.notEqual(text, 'paid', name);
  }
  assert.equal((await fetch(url + BEHIND, { method: 'POST', headers: { 'x-payments-wasm-inside': 'x' } })).status, 400);
}

/** Its own routes are paid for, with `payments-wasm/next`: by our `fetch`, and not without. */
export async function sells({ folder, start, pay }, paths) {
  for (const path of paths) {
    await pay(async (config, { sandbox, seller, planId, agentId, origin }) => {
      const env = { SELLER_KEY: seller.nvmApiKey, SANDBOX: sandbox.url, PLAN: planId, AGENT: agentId, ORIGIN: origin.url };
      return started(folder, env, async (url, said) => {
        const body = JSON.stringify({ question: 'What is 15% of 240?' });
        const forged = { 'payment-signature': 'x', 'x-middleware-subrequest': 'proxy:proxy:proxy:proxy:proxy' };
        for (const headers of [{}, forged]) {
          const unpaid = await fetch(url + path, { method: 'POST', body, headers });
          assert.equal(unpaid.status, 402, `${path}: ${unpaid.status} ${(await unpaid.text()).slice(0, 300)}\n${said()}`);
          assert.equal(JSON.parse(Buffer.from(unpaid.headers.get('payment-required'), 'base64')).accepts[0].planId, planId);
        }
        if (path === BEHIND) await staysApart(url);
        assert.deepEqual(origin.calls().filter((call) => call.path === '/ask'), [], 'nothing reached the service');
        const { stdout } = await start(['node', 'buyer.mjs'], { env: { CONFIG: JSON.stringify({ ...config, paywall: url + path.replace(/\/ask$/, '') }) } });
        const paid = JSON.parse(stdout.trim().split('\n').at(-1));
        if (paid.status !== 200) throw new Error(`${path}: ${stdout}\n${said()}`);
        return paid;
      });
    });
  }
}
