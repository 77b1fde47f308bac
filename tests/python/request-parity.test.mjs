// Compares our SDK's requests, call by call, with those of the official Python client: method, path, query, headers and
// body are equal, except for the differences below, each of which the contract lists.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { Payments as Seller } from '../../target/dist/subscriber/builder.js';
import { Payments as Buyer, buildPaymentRequired } from '../../target/dist/subscriber/page.js';
import { CALLS, ME } from './request-parity.mjs';

const { PYTHON } = process.env;
const skip = PYTHON ? false : 'Python is not installed';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: ME, o11y: 'sk-helicone-x' })}.c2ln`;

/** Headers in which an HTTP client describes itself. */
const OF_THE_CLIENT = ['host', 'connection', 'user-agent', 'accept-encoding', 'accept-language', 'sec-fetch-mode', 'content-length'];

const WITH_TERMS = /^plans\.(register|set|get\w+Config)|^agents\.registerAgentAndPlan/;
const metadataOfPlan = ({ body }) => body?.plan?.metadataAttributes ?? body?.metadataAttributes;
const each = (value, change) => {
  if (typeof value !== 'object' || !value) return;
  for (const [name, one] of Object.entries(value)) {
    each(one, change);
    change(value, name, one);
  }
};
const digits = (...names) => (python) => {
  for (const name of names) if (typeof python.body[name] === 'number') python.body[name] = String(python.body[name]);
};
const usual = (query) => (python, ours) => {
  for (const [name, value] of Object.entries(query)) if (ours.query[name] === value) delete ours.query[name];
};

/**
 * The differences that are allowed: of which calls, where the contract lists it (section), what it is, and how the one is made
 * into the other. One that is never there is an error too.
 */
const DIFFERENCES = [
  [/./, '11 (40)', 'ours says which call it is', (python, ours) => { delete ours.headers['x-correlation-id']; }],
  [WITH_TERMS, '4.1', 'Python always says whether a plan is a trial, inside its metadata too', (python, ours) => {
    if (metadataOfPlan(python)?.isTrialPlan === false && metadataOfPlan(ours)?.isTrialPlan === undefined) delete metadataOfPlan(python).isTrialPlan;
  }],
  [/^plans\.register(Credits|Time)/, '4.1', 'a nonce is random where none is given', (python, ours) => {
    for (const one of [python, ours]) {
      assert.match(one.body.nonce, /^\d{1,39}$/);
      one.body.nonce = 'random';
    }
  }],
  [/^agents\.(register|update)/, '4.2', 'Python always says how an agent knows its callers', (python, ours) => {
    const [theirs, own] = [python, ours].map(({ body }) => body.agentApiAttributes ?? body.agent.agentApiAttributes);
    if (theirs.authType === 'none' && own.authType === undefined) delete theirs.authType;
  }],
  [/^agents\.register/, '4.2', 'Python sends an endpoint as verb and url, which the platform cannot match', (python) => {
    each(python.body, (object, name, one) => { if (one?.verb) object[name] = { [one.verb]: one.url }; });
  }],
  [/^plans\.mint/, '1.2', 'Python sends small amounts as numbers', digits('amount', 'creditsAmount', 'creditsDuration')],
  [/^(plans\.getPlans|agents\.getAgents)#defaults$/, '4.1', 'Python lists 10 where TypeScript and we list 100, newest first', (python, ours) => {
    usual({ offset: '100', sortBy: 'created' })(python, ours);
    if (python.query.offset === '10') delete python.query.offset;
  }],
  [/^(plans\.getAgentsAssociatedToAPlan|agents\.getAgentPlans)/, '4.1', 'Python calls a page\'s size offset, and does not sort', (python, ours) => {
    if (python.query.offset) Object.assign(python.query, { pageSize: python.query.offset, offset: undefined });
    delete python.query.offset;
    delete ours.query.sortBy;
    delete ours.query.sortOrder;
  }],
  [/^(facilitator\.|requests\.trackAgentSubTask)/, '4.5, 4.4', 'Python sends null for what is not said', (python) => {
    each(python.body, (object, name, one) => { if (one === null) delete object[name]; });
  }],
  [/^requests\.startSimulationRequest#defaults$/, '4.4', 'Python says its defaults, TypeScript and we leave them to the platform', (python) => {
    assert.deepEqual(python.body, { pricePerCredit: 0.01, batch: false });
    python.body = {};
  }],
];

let server, url, record;

before(async () => {
  record = new Map();
  let call;
  server = createServer(async (request, response) => {
    const parts = [];
    for await (const one of request) parts.push(one);
    const { pathname, searchParams } = new URL(request.url, 'http://recorder');
    if (pathname.startsWith('/mark/')) {
      record.set(decodeURIComponent(pathname.slice('/mark/'.length)), call = []);
      return response.end();
    }
    const body = Buffer.concat(parts).toString();
    const headers = pathname === '/value' ? {} : Object.fromEntries(Object.entries(request.headers).filter(([name]) => !OF_THE_CLIENT.includes(name)));
    call.push({ method: request.method, path: pathname, query: Object.fromEntries(searchParams), headers, body: body ? JSON.parse(body) : undefined });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ANSWER));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));

/** Enough for a client to go on. */
const CONTRACTS = ['AccessManager', 'AgreementsStore', 'AssetsRegistry', 'DistributePaymentsCondition', 'FiatPaymentTemplate', 'FiatSettlementCondition',
  'FixedPaymentTemplate', 'LinearPricing', 'LockPaymentCondition', 'NFT1155Credits', 'NFT1155ExpirableCredits', 'NFT1155ExpirableCreditsV2', 'NVMConfig',
  'OneTimeCreatorHook', 'PayAsYouGoTemplate', 'PaymentsVault', 'ProtocolStandardFees', 'TokenUtils', 'TransferCreditsCondition'];
const ANSWER = {
  planId: '1', success: true, txHash: '0x1', data: { agentId: '2', planId: '1' }, balance: '1',
  deployment: { version: '1', chainId: 84532, contracts: Object.fromEntries(CONTRACTS.map((name) => [name, `0x${'3'.repeat(40)}`])) },
};

test('for every call the request is the official Python client\'s, up to what the contract lists', { skip, timeout: 240_000 }, async (t) => {
  const env = { NVM_BACKEND_URL: url, NVM_API_KEY: KEY, PYTHONUNBUFFERED: '1', PYTHONWARNINGS: 'ignore' };
  const { output } = await run(PYTHON, [repoPath('tests/python/request_parity.py')], { env, timeout: 120_000 });
  const theirs = record;

  const options = { nvmApiKey: KEY, environment: 'custom', backend: url };
  const delegationConfig = { delegationId: 'd' };
  const seller = { payments: await Seller.getInstance(options), pinned: await Seller.getInstance({ ...options, organizationId: 'org-1' }) };
  const buyer = { payments: await Buyer.getInstance({ ...options, delegationConfig }), pinned: await Buyer.getInstance({ ...options, delegationConfig }) };
  buyer.pinned.setOrganizationId('org-1');
  const offer = await buildPaymentRequired('1', { endpoint: '/ask', agentId: '2', httpVerb: 'POST' });
  const say = (value) => fetch(`${url}/value`, { method: 'POST', body: JSON.stringify({ value }) });

  const found = new Map(DIFFERENCES.map((difference) => [difference, 0]));
  let compared = 0;
  for (const [house, who] of [['builder', seller], ['subscriber', buyer]]) {
    record = new Map();
    for (const [name, call] of Object.entries(CALLS)) {
      const [resource, method] = name.split('#')[0].split('.');
      if (resource === 'sdk' ? house !== 'builder' : typeof who.payments[resource]?.[method] !== 'function') continue;
      await fetch(`${url}/mark/${encodeURIComponent(name)}`, { method: 'POST' });
      await call({ ...who, offer, say }).catch((error) => { if (error.code !== 'garbled_answer' && !/outcome_unknown/.test(error.code)) throw error; });
      await t.test(`${house}: ${name}`, () => {
        const pairs = [theirs.get(name), record.get(name)].map((requests) => structuredClone(requests));
        assert.ok(pairs[0]?.length > 0, `Python sent nothing for ${name}\n${output}`);
        assert.equal(pairs[1].length, pairs[0].length, 'as many requests');
        pairs[0].forEach((python, index) => {
          const ours = pairs[1][index];
          for (const difference of DIFFERENCES) {
            const [calls, , , level] = difference;
            if (!calls.test(name) || (python.method === 'GET' && python.path === '/' && difference !== DIFFERENCES[0])) continue;
            const as = JSON.stringify([python, ours]);
            level(python, ours);
            if (JSON.stringify([python, ours]) !== as) found.set(difference, found.get(difference) + 1);
          }
          assert.deepEqual(JSON.parse(JSON.stringify(ours)), JSON.parse(JSON.stringify(python)));
        });
        compared += 1;
      });
    }
  }
  await t.test('every call that was recorded is compared, and every difference is there', () => {
    assert.deepEqual([...theirs.keys()].filter((name) => !(name in CALLS)), []);
    assert.deepEqual(Object.keys(CALLS).filter((name) => !theirs.has(name)), []);
    assert.ok(compared >= Object.keys(CALLS).length, `${compared}`);
    assert.deepEqual([...found].filter(([, times]) => times === 0).map(([[, section, what]]) => `${section}: ${what}`), []);
  });
});
