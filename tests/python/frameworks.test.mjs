// The official Python client buys from applications in Express, Fastify and Next.js behind this package's gate.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { paymentMiddleware } from '../../target/dist/subscriber/express.js';
import { paymentPlugin } from '../../target/dist/subscriber/fastify.js';
import { paidRoute } from '../../target/dist/subscriber/next.js';
import { Payments } from '../../target/dist/subscriber/node.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { runProgram, skip } from './service.mjs';

let servers, payments, route;
before(async () => {
  if (skip) return;
  servers = await startDemoServers();
  const { sandbox, planId, agentId } = servers;
  payments = Payments.getInstance({ nvmApiKey: servers.seller.nvmApiKey, environment: 'custom', backend: sandbox.url });
  route = { planId, agentId, credits: 2 };
});
after(() => servers?.stop());

const answerOf = ({ question }) => ({ answer: `${question} Yes.` });

/** Applications by name: each gives the address at which it listens, and what stops it. */
const APPLICATIONS = {
  async Express() {
    const app = express();
    const middleware = paymentMiddleware(payments, { 'POST /ask': route });
    app.use(express.json(), middleware).post('/ask', (req, res) => res.json(answerOf(req.body)));
    return listening(app, () => middleware.close());
  },
  async Fastify() {
    const app = fastify();
    await app.register(paymentPlugin, { payments, routes: { 'POST /ask': route } });
    app.post('/ask', async (request) => answerOf(request.body));
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), stop: () => app.close() };
  },
  async 'Next.js'() {
    const POST = paidRoute(payments, route, async (request) => Response.json(answerOf(await request.json())), { state: 'memory' });
    return listening(toNodeListener((request) => POST(request, {})), () => POST.close());
  },
};

async function listening(listener, close) {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await close();
    },
  };
}

for (const [name, start] of Object.entries(APPLICATIONS)) {
  test(`the official client buys from ${name}`, { skip }, async () => {
    const account = await newAccount(servers.sandbox.url, 'A buyer in Python');
    const application = await start();
    try {
      const saw = await runProgram('buyer.py', servers.sandbox, { NVM_API_KEY: account.nvmApiKey, PAYWALL: application.url });
      assert.deepEqual([saw.bare, saw.offer.planId, saw.offer.extra.agentId, saw.offer.extra.credits], [402, servers.planId, servers.agentId, '2']);
      assert.deepEqual([saw.paid, saw.answer, saw.again], [200, 'Is 7919 prime? Yes.', 200]);
      assert.deepEqual([saw.receipt.success, saw.receipt.creditsRedeemed, saw.before - saw.after], [true, '2', 4]);
      assert.ok([400, 402].includes(saw.spoilt), `half a token: ${saw.spoilt}`);
    } finally {
      await application.stop();
    }
  });
}
