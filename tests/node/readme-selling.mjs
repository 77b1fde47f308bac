// The checks of the blocks of docs/builder.md.
import assert from 'node:assert/strict';
import { Payments, buildCredentialHeader, parseChallengeHeader } from '../../target/dist/subscriber/builder.js';
import { client } from '../sandbox/client.mjs';
import { source } from './snippets.mjs';

/** The checks by name; `world()` is `{ servers, payer, serve, inWorkerd }` of readme.test.mjs once it is there. */
export const selling = (world) => {
  /** The seller's variables, and more. */
  const env = (more) => {
    const { servers } = world();
    return { NVM_API_KEY: servers.seller.nvmApiKey, NVM_BACKEND_URL: servers.sandbox.url, NVM_PLAN_ID_QUESTIONS: servers.planId, ...more };
  };
  return {
    async selling({ run }) {
      assert.equal(await run(env()), '');
    },

    async register({ run }) {
      assert.match(await run(env()), /^\d+ 2 true\n$/);
    },

    async facilitator({ run }) {
      const { servers, payer } = world();
      const { token, held } = await payer();
      const said = await run(env({ NVM_AGENT_ID_ORACLE: servers.agentId, ACCESS_TOKEN: await token(servers.agentId) }));
      assert.equal(said, '2 98 http://localhost:8585/jawn/v1/gateway/oai/v1 14\n');
      assert.equal(await held(), 98n);
    },

    async 'selling-errors'({ run }) {
      const { servers, payer, serve } = world();
      const { address, held } = await payer();
      // The platform does what it is asked to, and its answer is lost.
      const platform = await serve(async (request, response) => {
        const headers = { 'content-type': 'application/json', ...(request.headers.authorization && { authorization: request.headers.authorization }) };
        const answer = await fetch(servers.sandbox.url + request.url, {
          method: request.method, headers, ...(request.method === 'POST' && { body: request, duplex: 'half' }),
        });
        const text = await answer.text();
        response.writeHead(request.url.endsWith('/mint') ? 502 : answer.status, { 'content-type': 'application/json' }).end(request.url.endsWith('/mint') ? '' : text);
      });
      try {
        assert.equal(await run(env({ NVM_BACKEND_URL: platform.url, CUSTOMER: address })), 'outcome_unknown 105n\n');
      } finally {
        await platform.stop();
      }
      assert.equal(await held(), 105n, 'and it was done once');
    },

    async credits({ run }) {
      const { address, held } = await world().payer();
      assert.equal(await run(env({ CUSTOMER: address })), '3n\n');
      assert.equal(await held(), 110n);
    },

    async 'selling-worker'({ block }) {
      const { payer, inWorkerd } = world();
      const { address, held } = await payer();
      await inWorkerd(source(block), { bindings: env() }, async (ask) => {
        const answer = await ask('/', { method: 'POST', body: JSON.stringify({ account: address }) });
        assert.deepEqual([answer.status, await answer.json()], [200, { balance: '110' }]);
      });
      assert.equal(await held(), 110n);
    },

    async organization({ run }) {
      const { json: org } = await client(world().servers.sandbox.url).post('/sandbox/organizations', { name: 'Guild' });
      assert.equal(await run(env({ NVM_API_KEY: org.nvmApiKey })), 'true false 2 true requires_payment\n');
    },

    async mpp({ run }) {
      const { payer, serve } = world();
      const person = await payer();
      const options = { nvmApiKey: person.env.NVM_API_KEY_BUYER, environment: 'custom', backend: person.env.NVM_BACKEND_URL };
      const { mpp } = await Payments.getInstance(options);
      const { accessToken } = await mpp.getMppAccessToken(person.env.NVM_PLAN_ID_QUESTIONS, undefined, { delegationConfig: { delegationId: person.env.NVM_DELEGATION_ID_WALLET } });
      const buyer = await serve(async (request, response) => {
        const challenge = parseChallengeHeader(request.headers['www-authenticate']);
        response.writeHead(200, { authorization: buildCredentialHeader(challenge, { accessToken }) }).end();
      });
      try {
        assert.equal(await run(env({ BUYER_URL: buyer.url })), 'true 2 true\n');
      } finally {
        await buyer.stop();
      }
      assert.equal(await person.held(), 98n);
    },
  };
};
