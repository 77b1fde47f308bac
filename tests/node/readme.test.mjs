// Runs the blocks of the README and of docs/ for Node and for Workers exactly as they are written, and checks the result of each.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { client } from '../sandbox/client.mjs';
import { startFacilitator } from './facilitator.mjs';
import { selling } from './readme-selling.mjs';
import { buyer, byCard, byCardPaywall, enroll, folder, forward, inWorkerd, offerOf, payer, price, serve, servers, start } from './readme-servers.mjs';
import { blocks, snippets, source } from './snippets.mjs';

const ANSWER = /\b42\b/;

/** The required result of each block. `run` runs it with some variables; `begin` only starts it. */
const CHECKS = {
  async agent({ run }) {
    const { env } = await buyer();
    assert.equal(await run(env), '');
  },

  async 'login-program'({ begin }) {
    const { env } = await buyer();
    const program = begin(env);
    const [, page] = await program.said(/Log in here: (\S+)/);
    const callback = new URL(page).searchParams.get('callback_url');
    const planted = await fetch(`${callback.replace(/nvmState=\w+/, 'nvmState=0')}&nvm_api_key=${env.NVM_API_KEY_BUYER}`);
    assert.equal(planted.status, 400);
    const login = await client(env.NVM_BACKEND_URL).form('/auth/cli', { callback_url: callback, name: 'Ada' });
    const back = await fetch(login.headers.get('location'));
    assert.equal(back.status, 200);
    assert.match(await program.end(), /Logged in as 0x\w{40}/);
  },

  async policy({ run }) {
    const { env, held } = await buyer();
    assert.match(await run(env), /42 2n 98n settled\n$/);
    assert.equal(await held(), 100n - price);
  },

  async stream({ run }) {
    const { env, held } = await buyer({ credits: true });
    const said = await run(env);
    assert.match(said, /event: word/);
    assert.match(said, /5n\s*$/);
    assert.equal(await held(), 95n);
  },

  async select({ run }) {
    const { env, held } = await buyer();
    const other = await client(servers.sandbox.url, servers.seller).plan();
    const seller = await serve(async (request, response) => {
      if (request.headers['payment-signature']) return forward(request, response);
      const { headers, json } = await offerOf(`${servers.paywall.url}/ask`);
      const accepts = [{ ...json.accepts[0], planId: other }, ...json.accepts];
      const offer = JSON.stringify({ ...json, accepts });
      response.writeHead(402, { ...headers, 'payment-required': btoa(offer) }).end(offer);
    });
    const said = await run({ ...env, API_URL: seller.url });
    await seller.stop();
    assert.match(said, /true/);
    assert.ok(said.includes(env.NVM_PLAN_ID_QUESTIONS) && !said.includes(other));
    assert.equal(await held(), 100n - price);
    assert.equal(await held(other), 0n);
  },

  async 'single-use'({ run }) {
    const { env, held } = await buyer({ credits: true });
    assert.equal(await run(env), '1 0\n');
    assert.equal(await held(), 100n - price * 2n);
  },

  async quote({ run }) {
    for (const [credits, balance, payable] of [[false, 0, 'after-purchase'], [true, 100, 'now']]) {
      const { env, held } = await buyer({ credits });
      const before = await held();
      assert.equal(await run(env), `2 credits of Oracle credits; 100 credits cost 5 USDC\nyou have ${balance}: ${payable}\n402\n`);
      assert.equal(await held(), before);
    }
  },

  async 'wrap-fetch'({ run }) {
    const { env, held } = await buyer({ credits: true });
    const said = await run(env);
    assert.equal(said.split(`POST ${env.API_URL}/ask`).length, 3, said);
    assert.match(said, ANSWER);
    assert.equal(await held(), 100n - price);
  },

  async events({ run }) {
    const { env } = await buyer();
    const said = (await run(env)).trim().split('\n').map((line) => line.split(' ')[0]);
    assert.deepEqual([...new Set(said)], ['request', 'offer', 'consent', 'order', 'mint', 'paid', 'receipt']);
  },

  async receipts({ run }) {
    const { env } = await buyer({ credits: true });
    const said = await run(env);
    assert.ok(said.startsWith('2n 2n'), said);
    assert.match(said, /settled 0x/);
    const [head, line] = readFileSync(`${folder}/receipts.csv`, 'utf8').split('\r\n');
    assert.match(head, /^at,method,url/);
    assert.ok(line.includes(`POST,${env.API_URL}/ask,`));
  },

  async errors({ run }) {
    const { env, held } = await buyer({ credits: true });
    // A seller whose answer to a payment is lost.
    const seller = await serve(async (request, response) => {
      if (request.headers['payment-signature']) return request.socket.destroy();
      const { headers, json } = await offerOf(`${servers.paywall.url}/ask`);
      response.writeHead(402, headers).end(JSON.stringify(json));
    });
    const said = (await run({ ...env, API_URL: seller.url })).trim().split('\n');
    await seller.stop();
    assert.deepEqual(said.map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['ConsentDenied consent_denied', 'BudgetExceeded budget_exceeded', 'OutcomeUnknown outcome_unknown', 'balance 100n']);
    assert.deepEqual(said.slice(0, 3).map((line) => line.split(' ').at(-1)), ['none', 'none', 'unknown']);
    assert.equal(await held(), 100n);
  },

  async resume({ run }) {
    const { env, held } = await buyer({ credits: true });
    // A seller that says nothing to the first payment, and settles the next.
    let paid = 0;
    const seller = await serve(async (request, response) => {
      const token = request.headers['payment-signature'];
      if (!token) {
        const { headers, json } = await offerOf(`${servers.paywall.url}/ask`);
        return response.writeHead(402, headers).end(JSON.stringify(json));
      }
      if (++paid === 1) return;
      const { json } = await client(servers.sandbox.url, servers.seller).settle(servers.planId, token, 2);
      response.writeHead(200, { 'payment-response': btoa(JSON.stringify(json)) }).end('42');
    });
    assert.equal(await run({ ...env, API_URL: seller.url }).finally(() => seller.stop()), 'send_timeout unknown\n200 settled\n');
    assert.deepEqual([paid, await held()], [2, 98n]);
  },

  async plans({ run }) {
    const { env } = await buyer({ credits: true });
    assert.equal(await run(env), 'Oracle credits 100n true\n0 0\n');
  },

  async order({ run }) {
    const { env, held, post } = await buyer();
    await post('/sandbox/settings', { creditsDelaySecs: 1 });
    const said = await run(env).finally(() => post('/sandbox/settings', { creditsDelaySecs: 0 }));
    assert.match(said, /^so far 0n\n/);
    assert.match(said, /true 0x\w+ 100n\n$/);
    assert.equal(await held(), 100n);
  },

  async 'checkout-link'({ begin }) {
    const { env, held, form } = await buyer();
    const program = begin({ ...env, NVM_PLAN_ID_QUESTIONS: byCard });
    const [, link] = await program.said(/Pay here: (\S+)/);
    assert.equal(await held(byCard), 0n);
    await form(new URL(link).pathname, { action: 'pay' });
    assert.match(await program.end(), /\n100n\n$/);
  },

  async delegations({ run }) {
    const { env, held, delegations } = await buyer({ credits: true });
    const said = await run(env);
    assert.match(said, /Active 1500 usdc/);
    assert.match(said, /\{ usdc: 11500 \}/);
    assert.equal(await held(), 100n - price);
    assert.deepEqual((await delegations()).map(({ status }) => status).sort(), ['Active', 'Revoked']);
  },

  async cards({ run }) {
    const person = await buyer();
    await enroll(person);
    const said = await run(person.env);
    assert.match(said, /^visa 4242 /);
    const { id } = (await person.get('/api/v1/payment-methods')).json.find(({ alias }) => alias === 'The agent pays');
    const made = (await person.delegations()).find(({ delegationId }) => said.includes(delegationId));
    assert.deepEqual([made.providerPaymentMethodId, made.spendingLimitCents], [id, '2000']);
  },

  async tokens({ run }) {
    const person = await buyer({ credits: true });
    assert.equal(await run(person.env), 'nvm:erc4337 eip155:84532 200\n');
    assert.equal(await person.held(), 100n - price);
    const { delegationId } = await enroll(person);
    const card = { ...person.env, NVM_PLAN_ID_QUESTIONS: byCard, NVM_AGENT_ID_ORACLE: undefined, API_URL: byCardPaywall.url, NVM_DELEGATION_ID_WALLET: delegationId };
    assert.equal(await run(card), 'nvm:card-delegation stripe 200\n');
    assert.equal(await person.held(byCard), 100n - price);
  },

  async permissions({ run }) {
    const { env, held } = await buyer({ credits: true });
    assert.match(await run(env), /\n402\n$/);
    assert.equal(await held(), 100n);
  },

  async agents({ run }) {
    const { env } = await buyer();
    assert.equal(await run(env), `${env.NVM_AGENT_ID_ORACLE} 1 1\n`);
  },

  async offer({ run }) {
    const { env } = await buyer();
    const [header, choice] = (await run(env)).split('\n');
    const { accepts, resource } = JSON.parse(atob(header));
    assert.deepEqual([accepts.length, accepts[0].planId, accepts[0].extra, resource.url],
      [1, env.NVM_PLAN_ID_QUESTIONS, { version: '1', agentId: env.NVM_AGENT_ID_ORACLE, httpVerb: 'POST' }, '/ask']);
    assert.equal(choice, '2 stripe');
  },

  async account({ run }) {
    const { env, address } = await buyer();
    assert.equal(await run(env), `true ${address} custom\n`);
  },

  async worker({ block }) {
    const { env, held } = await buyer();
    await inWorkerd(source(block), { bindings: env }, async (ask) => {
      const question = JSON.stringify({ question: 'What is 6 * 7?' });
      assert.match(await (await ask('/', { method: 'POST', body: question })).text(), ANSWER);
    });
    assert.equal(await held(), 100n - price);
  },

  async 'gate-worker'({ block }) {
    const { env, token } = await payer();
    const bindings = {
      NVM_API_KEY: servers.seller.nvmApiKey, NVM_ENVIRONMENT: 'custom', NVM_API_URL: env.NVM_BACKEND_URL,
      ROUTES: { 'POST /ask': { planId: env.NVM_PLAN_ID_QUESTIONS, credits: 2, singleUse: false } },
    };
    await inWorkerd(source(block), { bindings, durableObjects: { PAYWALL_STATE: { className: 'PaywallState', useSQLite: true } } }, async (ask) => {
      const question = { method: 'POST', body: JSON.stringify({ question: 'why?' }) };
      assert.equal((await ask('/ask', question)).status, 402);
      const answer = await ask('/ask', { ...question, headers: { 'payment-signature': await token() } });
      assert.deepEqual([answer.status, (await answer.json()).answer], [200, 'You asked: why?']);
    });
  },

  async 'gate-node'({ begin }) {
    const { env, held, token } = await payer();
    const program = begin({ ...env, NVM_API_KEY: servers.seller.nvmApiKey });
    const [, url] = await program.said(/listening on (\S+)/);
    const ask = (headers) => fetch(`${url}/measure`, { method: 'POST', body: 'four', headers });
    assert.equal((await ask({})).status, 402);
    const answer = await ask({ 'payment-signature': await token() });
    assert.equal((await answer.json()).length, 4);
    await program.said(/settled 2/);
    program.stop();
    assert.equal(await held(), 98n);
  },

  async mcp({ run }) {
    const { env, held } = await payer();
    assert.match(await run({ ...env, NVM_API_KEY: servers.seller.nvmApiKey }), /^Lisbon: sunny 1n$/m);
    assert.equal(await held(), 99n);
  },

  async 'gate-express'({ begin }) {
    const { env, held, token } = await payer();
    const program = begin({ ...env, NVM_API_KEY: servers.seller.nvmApiKey });
    const [, url] = await program.said(/listening on (\S+)/);
    const ask = (path, headers) => fetch(url + path, { method: 'POST', body: '{"question":"Is it?"}', headers: { 'content-type': 'application/json', ...headers } });
    assert.equal((await ask('/ask')).status, 402);
    const paid = { 'payment-signature': await token() };
    assert.equal((await (await ask('/ask', paid)).json()).asked, 'Is it?');
    await program.said(/\/ask 2/);
    assert.deepEqual(await (await ask('/generate', paid)).json(), { text: '…' });
    program.stop();
    assert.equal(await held(), 95n, '2 and 3');
  },

  async a2a({ run }) {
    const { env } = await buyer();
    assert.match(await run({ ...env, NVM_API_KEY: servers.seller.nvmApiKey }), /^Loud 3$/m);
  },

  async 'gate-dialects'({ run }) {
    const { env } = await buyer();
    const facilitator = await startFacilitator();
    try {
      assert.match(await run({ ...env, NVM_API_KEY: servers.seller.nvmApiKey, FACILITATOR_URL: facilitator.url }), /^402 \[ 'nvm:erc4337', 'exact' \] Payment$/m);
    } finally {
      await facilitator.stop();
    }
  },

  async 'gate-hono'({ run }) {
    const { env } = await buyer();
    assert.match(await run({ ...env, NVM_API_KEY: servers.seller.nvmApiKey }), /^200 402$/m);
  },

  async 'gate-langchain'({ run }) {
    const { env } = await buyer();
    assert.equal((await run({ ...env, NVM_API_KEY: servers.seller.nvmApiKey })).trim(), servers.planId);
  },

  ...selling(() => ({ servers, payer, serve, inWorkerd })),
};

const here = [...snippets('node'), ...snippets('worker')];

test('every block of the README and of docs/ is run somewhere', () => {
  // The other blocks are for reading, or rustdoc compiles them.
  for (const { page, language, run, line } of blocks) {
    const place = { js: ['node', 'worker', 'page'], html: ['page'], json: ['seed'], yaml: ['ci'] }[language];
    const reference = page === 'docs/nevermined-api.md' && language === 'json'; // the shapes of the contract: they are not programs
    if (place) assert.ok(reference || place.includes(run), `${page}:${line}: no test runs this ${language} block`);
    else assert.ok(['sh', 'text', 'rust'].includes(language), `${page}:${line}: a block in ${language || 'no language'}`);
  }
  const rustdoc = readFileSync(repoPath('src/lib.rs'), 'utf8');
  for (const { page, line } of blocks.filter(({ language }) => language === 'rust')) {
    assert.ok(rustdoc.includes(`include_str!("../${page}")`), `${page}:${line}: rustdoc does not compile this block`);
  }
  const names = blocks.map(({ name }) => name).filter(Boolean);
  assert.equal(new Set(names).size, names.length, 'a name is used once');
  assert.deepEqual(here.map(({ name }) => name).sort(), Object.keys(CHECKS).sort(), 'a check for each block, a block for each check');
});

for (const block of here) {
  test(`${block.page}:${block.line} ${block.name}`, async () => {
    let runs = block.run === 'worker' ? 1 : 0;
    const begin = (env) => {
      runs += 1;
      return start(source(block), env);
    };
    await CHECKS[block.name]({ block, begin, run: (env) => begin(env).end() });
    assert.ok(runs > 0, 'the check runs the block');
  });
}
