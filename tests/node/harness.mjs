// A seller whose every answer is scripted, over real HTTP, in front of a real sandbox: what these tests share.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { client } from '../sandbox/client.mjs';

export const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

/** The terms of a 402. */
export const offerOf = (planId, credits = 2, more = {}) => ({
  x402Version: 2, resource: { url: '/ask' }, extensions: {},
  accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId, extra: { version: '1', credits: String(credits) } }], ...more,
});

/** A sandbox with a seller in it who has a plan: `{ sandbox, seller, planId, settle, buyer, agent, payment, calls, stop }`. */
export async function startPlatform(vars = {}) {
  const sandbox = await startSandbox({ vars });
  const seller = await client(sandbox.url).open('A seller');
  const planId = await seller.plan({ credits: { maxAmount: '10' } });
  return {
    sandbox, seller, planId, stop: () => sandbox.stop(),
    /** Burns credits with a token, as a gate does, and gives the receipt for the answer's header. */
    async settle(token, credits = 2) {
      const { status, json, text } = await seller.settle(planId, token, credits);
      assert.ok(status < 300, text);
      return base64(json);
    },
    /** Somebody with a hundred credits and a delegation; `options` are those of `getInstance`. */
    async buyer(options = {}, { credits = true } = {}) {
      const account = await newAccount(sandbox.url, 'A buyer');
      const own = client(sandbox.url, account);
      if (credits) await own.order(planId);
      const delegationConfig = { delegationId: await own.delegation() };
      const payments = await Payments.getInstance({
        nvmApiKey: account.nvmApiKey, environment: 'custom', backend: sandbox.url, delegationConfig, approve: () => true, ...options,
      });
      return Object.assign(payments, { own, account, held: async () => BigInt(await own.balance(planId)) });
    },
    /** Registers an agent of the plan: its id. */
    async agent() {
      const { json } = await seller.post('/api/v1/protocol/agents', { metadataAttributes: { name: 'Loud' }, agentApiAttributes: {}, plans: [planId] });
      return json.data.agentId;
    },
    /** A buyer's token as a decoded payment, as MCP carries it. */
    async payment(payments) {
      const { accessToken } = await payments.x402.getX402AccessToken(planId);
      return JSON.parse(Buffer.from(accessToken, 'base64url'));
    },
    /** The calls of the platform whose path ends so. */
    async calls(end) {
      return (await (await fetch(`${sandbox.url}/sandbox/calls`)).json()).filter(({ path }) => path.endsWith(end));
    },
  };
}

/**
 * A server that answers as `answer(request, response, requests)` says. `requests` has the requests so far, this one too, each
 * `{ method, url, headers, body, token, gone }`.
 */
export async function startSeller(answer) {
  const seller = { requests: [], answer };
  const server = createServer(async (request, response) => {
    const parts = [];
    const { method, url, headers } = request;
    const one = { method, url, headers, token: headers['payment-signature'], gone: false };
    response.on('close', () => { one.gone = !response.writableFinished; });
    request.on('error', () => {});
    for await (const part of request) parts.push(part);
    one.body = Buffer.concat(parts);
    seller.requests.push(one);
    await seller.answer(one, response, seller.requests);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(seller, {
    url: `http://127.0.0.1:${server.address().port}`,
    paid: () => seller.requests.filter(({ token }) => token).length,
    stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  });
}

/** Answers with the terms. */
export const need = (response, terms, body = 'pay') => response.writeHead(402, { 'payment-required': base64(terms) }).end(body);

/** A promise that a test waits for, with `come`, which resolves it. */
export function moment() {
  let come;
  return Object.assign(new Promise((resolve) => { come = resolve; }), { come: (value) => come(value) });
}

/** The rejection of a promise; it must reject, and in time. */
export function failure(promise, ms = 20_000) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('the promise hangs')), ms); });
  const turned = promise.then((value) => assert.fail(`it resolved with ${JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one))}`), (error) => error);
  return Promise.race([turned, late]).finally(() => clearTimeout(timer));
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
