// Dialects in a real Chromium, across origins: a page pays an amount with the wallet that is injected into it, and an agent's page calls a
// paid MCP tool. Each is paid after somebody agreed in the page, which shows the receipt.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware } from '@x402/express';
import { build } from 'esbuild';
import express from 'express';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { Mcp } from '../../target/dist/subscriber/mcp.js';
import { startFacilitator } from '../node/facilitator.mjs';
import { client } from '../sandbox/client.mjs';
import { open, sandbox, site } from './static-server.mjs';

const NETWORK = 'eip155:84532';
const account = privateKeyToAccount(generatePrivateKey());
let facilitator;
before(async () => { facilitator = await startFacilitator(); });
after(() => facilitator?.stop());

/** A person agrees in the page: a button for each offer. */
const asks = (page) => page.evaluate(() => {
  window.approve = (offer) => new Promise((answer) => {
    const button = document.body.appendChild(document.createElement('button'));
    button.textContent = `Pay ${offer.amount ?? offer.credits}`;
    button.onclick = () => answer(true);
  });
  window.show = (receipt) => {
    const line = document.body.appendChild(document.createElement('output'));
    line.textContent = `Receipt: ${receipt.success} ${receipt.transaction}`;
  };
});

test('a page pays an amount with an injected EIP-1193 wallet, after consent, and shows the receipt', async () => {
  const app = express();
  app.use((request, response, next) => {
    response.set({
      'access-control-allow-origin': site.url, 'access-control-allow-headers': 'payment-signature', 'access-control-expose-headers': 'payment-required, payment-response',
    });
    return request.method === 'OPTIONS' ? response.sendStatus(204) : next();
  });
  const accepts = { scheme: 'exact', network: NETWORK, payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', price: '$0.01' };
  const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url })).register(NETWORK, new ExactEvmScheme());
  app.use(paymentMiddleware({ 'GET /paid': { accepts } }, resources));
  app.get('/paid', (request, response) => response.send('the page'));
  const shop = createServer(app);
  await new Promise((done) => shop.listen(0, '127.0.0.1', done));
  try {
    const page = await open('/app');
    await page.exposeFunction('signTyped', (data) => account.signTypedData(JSON.parse(data)));
    await asks(page);
    await page.evaluate(async ([url, address, backend]) => {
      let chain = '0x1';
      window.ethereum = {
        async request({ method, params }) {
          if (method === 'eth_requestAccounts') return [address];
          if (method === 'eth_chainId') return chain;
          if (method === 'wallet_switchEthereumChain') { chain = params[0].chainId; return null; }
          return window.signTyped(params[1]);
        },
      };
      const payments = await window.sdk.Payments.getBrowserInstance({ returnUrl: '/app', environment: 'custom', backend, wallet: window.ethereum });
      window.outcome = payments.fetch(`${url}/paid`, {}, { approve: window.approve }).then(async ({ response, receipt }) => {
        window.show(receipt);
        return response.text();
      });
    }, [`http://127.0.0.1:${shop.address().port}`, account.address, sandbox.url]);
    const button = page.getByRole('button', { name: 'Pay 10000' });
    await button.waitFor();
    assert.equal(facilitator.spent.length, 0, 'nothing is signed before somebody agrees');
    await button.click();
    assert.equal(await page.evaluate(() => window.outcome), 'the page');
    assert.match(await page.locator('output').textContent(), /^Receipt: true 0x0+1$/);
    assert.deepEqual([facilitator.spent.length, facilitator.spent[0].from], [1, account.address]);
  } finally {
    shop.closeAllConnections();
    shop.close();
  }
});

test("an agent's page calls a paid MCP tool, after consent, and shows the receipt", async () => {
  const seller = await client(sandbox.url).open('A seller');
  const planId = await seller.plan();
  const mcp = new Mcp(undefined, () => ({ nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url }));
  mcp.configure({ planId, serverName: 'loud', allowedOrigins: [site.url] });
  mcp.registerTool('shout', {}, async ({ text }) => ({ content: [{ type: 'text', text: text.toUpperCase() }] }), { credits: 2n });
  const { info, stop } = await mcp.start({ log: false });
  try {
    const buyer = await client(sandbox.url).open('A buyer');
    await buyer.order(planId);
    const page = await open('/app', { nvmApiKey: buyer.key, delegationConfig: { delegationId: await buyer.delegation() } });
    const { outputFiles: [script] } = await build({
      stdin: {
        contents: `export { Client } from '@modelcontextprotocol/sdk/client/index.js'; export { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';`,
        resolveDir: process.cwd(),
      },
      bundle: true, write: false, format: 'iife', globalName: 'mcpSdk', platform: 'browser', logLevel: 'error',
    });
    await page.addScriptTag({ content: script.text });
    await asks(page);
    await page.evaluate(async (url) => {
      const agent = new mcpSdk.Client({ name: 'agent', version: '1.0.0' });
      await agent.connect(new mcpSdk.StreamableHTTPClientTransport(new URL(url)));
      const paying = await window.payments.mcp.wrap(agent, { approve: window.approve });
      window.outcome = paying.callTool({ name: 'shout', arguments: { text: 'hello' } }).then(async (result) => {
        window.show((await window.payments.mcp.paymentOf(result)).receipt);
        return result.content[0].text;
      });
    }, `${info.baseUrl}/mcp`);
    const button = page.getByRole('button', { name: 'Pay 2' });
    await button.waitFor();
    assert.equal(await buyer.balance(planId), '100');
    await button.click();
    assert.equal(await page.evaluate(() => window.outcome), 'HELLO');
    assert.match(await page.locator('output').textContent(), /^Receipt: true 0x/);
    assert.equal(await buyer.balance(planId), '98');
    // A page of another origin may not ask.
    const elsewhere = await fetch(`${info.baseUrl}/mcp`, { method: 'OPTIONS', headers: { origin: 'http://127.0.0.1:1', 'access-control-request-method': 'POST' } });
    assert.equal(elsewhere.headers.get('access-control-allow-origin'), null);
  } finally {
    await stop();
  }
});
