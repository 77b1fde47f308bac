// The servers of the README's blocks, and the buyers, sellers and Workers that their checks need. Each file that imports it has servers of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import { PRICES, newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { BY_CARD, client } from '../sandbox/client.mjs';

export const folder = repoPath('target/readme');
export const price = BigInt(PRICES['POST /ask']);
export let servers;
export let byCard;
export let byCardPaywall;

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  servers = await startDemoServers();
  // The same service, sold by card.
  const { sandbox, origin, seller } = servers;
  byCard = await client(sandbox.url, seller).plan(BY_CARD);
  byCardPaywall = await startPaywall({
    origin: origin.url, api: sandbox.url, key: seller.nvmApiKey,
    routes: { 'POST /ask': { planId: byCard, credits: Number(price), scheme: 'nvm:card-delegation' } },
  });
});
after(async () => {
  await byCardPaywall?.stop();
  await servers?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A new buyer with a delegation and, if asked for, credits; and the variables that the blocks take. */
export async function buyer({ credits = false } = {}) {
  const { sandbox, paywall, planId, agentId } = servers;
  const account = client(sandbox.url, await newAccount(sandbox.url, 'A reader'));
  if (credits) await account.order(planId);
  return {
    ...account,
    held: async (plan = planId) => BigInt(await account.balance(plan)),
    delegations: async () => (await account.get('/api/v1/delegation')).json.delegations,
    env: {
      NVM_API_KEY_BUYER: account.key, NVM_BACKEND_URL: sandbox.url, NVM_DELEGATION_ID_WALLET: await account.delegation(),
      API_URL: paywall.url, NVM_PLAN_ID_QUESTIONS: planId, NVM_AGENT_ID_ORACLE: agentId,
    },
  };
}

/** A program under way: `said` waits for something that it prints, `end` for its end, without which it has failed. */
export function start(code, env) {
  const file = `${folder}/${crypto.randomUUID()}.mjs`;
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let wrong = '';
  child.stdout.setEncoding('utf8').on('data', (more) => { text += more; });
  child.stderr.setEncoding('utf8').on('data', (more) => { wrong += more; });
  const ended = once(child, 'close').then(([code]) => {
    assert.equal(code, 0, `${text}\n${wrong}`);
    return text;
  });
  ended.catch(() => {});
  return {
    end: () => ended,
    stop: () => child.kill(),
    async said(pattern) {
      for (;;) {
        const found = pattern.exec(text);
        if (found) return found;
        await Promise.race([once(child.stdout, 'data'), ended.then(() => assert.match(text, pattern))]);
      }
    },
  };
}

/** A buyer with credits, and what makes tokens of theirs. */
export async function payer() {
  const { Payments } = await import(dist('subscriber', 'index.js'));
  const person = await buyer({ credits: true });
  const { env } = person;
  const payments = await Payments.getInstance({
    nvmApiKey: env.NVM_API_KEY_BUYER, environment: 'custom', backend: env.NVM_BACKEND_URL, delegationConfig: { delegationId: env.NVM_DELEGATION_ID_WALLET },
  });
  return { ...person, token: async (agentId) => (await payments.x402.getX402AccessToken(env.NVM_PLAN_ID_QUESTIONS, agentId)).accessToken };
}

/** Runs a Worker's source, bundled as wrangler does it. */
export async function inWorkerd(contents, options, work) {
  const { build } = await import('esbuild');
  const { Miniflare } = await import('miniflare');
  await build({
    stdin: { contents, resolveDir: folder },
    bundle: true, format: 'esm', outdir: `${folder}/bundle`, conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy' }, assetNames: '[name]', logLevel: 'error',
  });
  const miniflare = new Miniflare({
    host: '127.0.0.1', cf: false, modules: true, modulesRoot: `${folder}/bundle`, scriptPath: `${folder}/bundle/stdin.js`,
    modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }], compatibilityDate: '2026-04-01', ...options,
  });
  try {
    await work((path, init) => miniflare.dispatchFetch(`http://worker${path}`, init));
  } finally {
    await miniflare.dispose();
  }
}

/** A seller of the test's own. */
export async function serve(answer) {
  const server = createServer((request, response) => { answer(request, response).catch(() => response.destroy()); });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

export async function offerOf(url) {
  const answer = await fetch(url, { method: 'POST', body: '{}' });
  // A seller of its own: the offer is for no other host.
  const json = { ...await answer.json(), resource: { url: '/ask' } };
  return { headers: { 'content-type': 'application/json', 'payment-required': btoa(JSON.stringify(json)) }, json };
}

/** Hands a request to the paywall, and its answer back. */
export async function forward(request, response) {
  const answer = await fetch(servers.paywall.url + request.url, {
    method: request.method, body: request, duplex: 'half', headers: { 'payment-signature': request.headers['payment-signature'] },
  });
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}

/** The user's actions on the card page. */
export async function enroll(person) {
  const returnUrl = 'http://127.0.0.1:4567/';
  const { json } = await person.post('/api/v1/widgets/session/self', { orgId: 'org-1', returnUrl });
  const done = await person.form('/cards/setup', {
    sessionToken: json.sessionToken, returnUrl, state: '0'.repeat(32), network: 'sandbox', provider: 'stripe',
    number: '4242 4242 4242 4242', expiry: '12 / 34', limit: '20', days: '7', action: 'go',
  });
  return Object.fromEntries(new URL(done.headers.get('location')).searchParams);
}
