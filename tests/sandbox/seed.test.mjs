// A seed file: all of it or nothing, the same on every machine, and as often as one likes.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startSandbox } from './start.mjs';
import { blocks } from '../node/snippets.mjs';
import { client, decode } from './client.mjs';

const EXAMPLE = JSON.parse(readFileSync(repoPath('pkg-template/sandbox.seed.example.json'), 'utf8'));
const SCHEMA = JSON.parse(readFileSync(repoPath('pkg-template/sandbox.seed.schema.json'), 'utf8'));
const LISTS = ['users', 'organizations', 'plans', 'agents', 'balances', 'cards', 'delegations'];

let sandbox, anyone;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
});
after(() => sandbox?.stop());
beforeEach(() => anyone.post('/sandbox/reset'));

const plant = (file, who = anyone) => who.post('/sandbox/seed', file);
const state = async () => (await anyone.get('/sandbox/state')).json;
const totals = async () => {
  const now = await state();
  return [...LISTS, 'orders'].filter((name) => now[name]).map((name) => now[name].total);
};

test('what the example plants works: a buyer pays with what they got', async () => {
  const { status, json } = await plant(EXAMPLE);
  assert.equal(status, 201, JSON.stringify(json));
  const { users, plans, agents, delegations, organizations, cards } = json;
  const [buyer, seller] = [client(sandbox.url, users.buyer), client(sandbox.url, users.seller)];
  const plan = plans.questions.planId;
  const token = await buyer.token(plan, { delegationId: delegations.wallet.delegationId });
  assert.equal((await seller.verify(plan, token, '2')).status, 200);
  assert.equal((await seller.settle(plan, token, '2')).json.remainingBalance, '98');
  assert.deepEqual((await anyone.get(`/api/v1/protocol/agents/${agents.oracle.agentId}`)).json.registry.plans, EXAMPLE.agents[0].plans.map((name) => plans[name].planId));
  assert.deepEqual((await buyer.get('/api/v1/payment-methods')).json.map(({ id }) => id).filter((id) => id === cards.visa.paymentMethodId), [cards.visa.paymentMethodId]);
  const { json: card } = await buyer.get(`/api/v1/delegation/${delegations.card.delegationId}`);
  assert.deepEqual([card.spendingLimitCents, card.currency, card.maxTransactions, card.providerPaymentMethodId], ['5000', 'usd', 10, cards.visa.paymentMethodId]);
  const order = await client(sandbox.url, organizations.guild).post('/api/v1/orders', { amountMinor: 500 });
  assert.equal(order.status, 201, 'the key of the organization is one');
  assert.equal((await buyer.order(plans.taste.planId)).status, 201);
  assert.equal((await buyer.order(plans.taste.planId)).status, 409, 'a trial is one');
  assert.deepEqual((await state()).accounts.items.map(({ name, email }) => [name, email]).sort(), [['Ada', 'ada@example.com'], ['The oracle', 'seller@example.com']]);
});

test('the seed file of docs/sandbox.md is valid', async () => {
  const [{ code }, ...more] = blocks.filter(({ language, run }) => language === 'json' && run === 'seed');
  assert.deepEqual(more, []);
  const { status, json } = await plant(JSON.parse(code));
  assert.equal(status, 201, JSON.stringify(json));
  const [buyer, seller] = [client(sandbox.url, json.users.buyer), client(sandbox.url, json.users.seller)];
  const plan = json.plans.questions.planId;
  const token = await buyer.token(plan, { delegationId: json.delegations.wallet.delegationId });
  assert.equal((await seller.settle(plan, token, '10')).json.remainingBalance, '90');
  assert.equal((await seller.settle(plan, token, '11')).json.creditsRedeemed, '10', 'no more than a call may cost');
});

test('planted again it makes nothing, and leaves what has happened since', async () => {
  const first = (await plant(EXAMPLE)).json;
  assert.equal(first.made, LISTS.reduce((sum, name) => sum + EXAMPLE[name].length, 0));
  const before = await totals();
  const buyer = client(sandbox.url, first.users.buyer);
  await buyer.post('/api/v1/protocol/plans/burn', { planId: first.plans.questions.planId, creditsAmount: '40' });
  const second = (await plant(EXAMPLE)).json;
  assert.deepEqual(second, { ...first, made: 0 });
  assert.deepEqual(await totals(), before);
  assert.equal(await buyer.balance(first.plans.questions.planId), '60');
  const more = { ...EXAMPLE, users: [...EXAMPLE.users, { id: 'third' }] };
  assert.equal((await plant(more)).json.made, 1, 'what the file names besides is made');
});

test('it is the same on every machine, and over a restart of a data folder', async () => {
  const data = mkdtempSync(join(tmpdir(), 'payments-wasm-seed-'));
  const here = (await plant(EXAMPLE)).json;
  try {
    for (const made of [here.made, 0]) {
      const other = await startSandbox({ data });
      try {
        assert.deepEqual((await plant(EXAMPLE, client(other.url))).json, { ...here, made });
      } finally {
        await other.stop();
      }
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

test('keys: from the id, from a private key, or one that was made elsewhere', async () => {
  const privateKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
  const address = '0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266'.toLowerCase();
  const payload = Buffer.from(JSON.stringify({ sub: `0x${'ab'.repeat(20)}` })).toString('base64url');
  const apiKey = `local:e30.${payload}.sig`;
  const { json } = await plant({ users: [{ id: 'a' }, { id: 'b', privateKey }, { id: 'c', apiKey, name: 'Cy' }] });
  const { a, b, c } = json.users;
  assert.equal(b.accountAddress, address);
  assert.deepEqual(c, { accountAddress: `0x${'ab'.repeat(20)}`, nvmApiKey: apiKey });
  assert.equal(new Set([a, b, c].map(({ accountAddress }) => accountAddress)).size, 3);
  for (const user of [a, b, c]) assert.equal((await client(sandbox.url, user).get('/api/v1/protocol/plans')).status, 200);
  const claims = decode(b.nvmApiKey.split('.')[1]);
  assert.equal(claims.sub, address);
  for (const { nvmApiKey } of [a, b]) assert.ok(!nvmApiKey.includes(privateKey.slice(2)), 'a key does not tell the key it is signed with');
  await client(sandbox.url, c).get('/api/v1/protocol/plans');
  assert.ok((await state()).accounts.items.some(({ name, address }) => name === 'Cy' && address === c.accountAddress));
});

test('an id of its own, and a plan into an organization', async () => {
  const { json } = await plant({
    users: [{ id: 's' }], organizations: [{ id: 'o', type: 'Enterprise', members: [{ user: 's', role: 'Admin' }] }],
    plans: [{ id: 'p', owner: 's', organization: 'o', planId: '77', durationSecs: 3600, accessLimit: 'time', credits: '1', price: '0.50' }],
    agents: [{ id: 'a', owner: 's', agentId: '88', plans: ['p'] }],
  });
  assert.deepEqual([json.plans.p.planId, json.agents.a.agentId], ['77', '88']);
  const plan = (await anyone.get('/api/v1/protocol/plans/77')).json;
  assert.deepEqual([plan.orgId, plan.metadata.plan.accessLimit, plan.registry.price.amounts], [json.organizations.o.orgId, 'time', ['500000']]);
});

test('settings hold at every start, the clock is set once', async () => {
  const file = { settings: { creditsDelaySecs: 9, tokenVersion: 3 }, clock: { now: '2030-01-01T00:00:00Z' }, users: [{ id: 'a' }] };
  await plant(file);
  assert.match((await anyone.get('/sandbox/clock')).json.now, /^2030-01-01T00:0/);
  assert.match((await state()).accounts.items[0].createdAt, /^2030-01-01/);
  await anyone.post('/sandbox/clock', { advanceSecs: 86_400 });
  await anyone.post('/sandbox/settings', { creditsDelaySecs: 0 });
  await plant(file);
  assert.match((await anyone.get('/sandbox/clock')).json.now, /^2030-01-02T/, 'it went on');
  assert.deepEqual([(await state()).settings.creditsDelaySecs, (await state()).settings.tokenVersion], [9, 3]);
});

describe('what is wrong is named by its key, and nothing is planted', () => {
  const users = [{ id: 'ada' }, { id: 'bob' }];
  const plans = [{ id: 'p', owner: 'ada', price: '5.00' }];
  for (const [name, file, said] of [
    ['a list of its own', { people: [] }, /^people is not a member of a seed file/],
    ['no list', { users: {} }, /^users must be a list/],
    ['no object', { users: ['ada'] }, /^users\[0\] must be an object/],
    ['a member of its own', { users: [{ id: 'ada', nmae: 'Ada' }] }, /^users\[0\]\.nmae is not a member; did you mean name\?$/],
    ['a member without a similar one', { users: [{ id: 'ada', colour: 'red' }] }, /^users\[0\]\.colour is not a member: id, name/],
    ['a misspelt list', { user: [] }, /^user is not a member of a seed file; did you mean users\?$/],
    ['a misspelt member of a member', { users, organizations: [{ id: 'o', members: [{ usr: 'ada' }] }] }, /^organizations\[0\]\.members\[0\]\.usr is not a member; did you mean user\?$/],
    ['a misspelt setting', { users, settings: { creditDelaySecs: 1 } }, /^settings: creditDelaySecs is not a setting; did you mean creditsDelaySecs\?$/],
    ['a misspelt member of the clock', { users, clock: { advanceSec: 1 } }, /^clock: advanceSec is not a member of the clock; did you mean advanceSecs\?$/],
    ['a misspelt owner', { users, plans: [{ id: 'p', owner: 'adaa' }] }, /^plans\[0\]\.owner: adaa is not one of users; did you mean ada\?$/],
    ['no id', { users: [{ name: 'Ada' }] }, /^users\[0\]\.id is missing/],
    ['an id of two words', { users: [{ id: 'a b' }] }, /^users\[0\]\.id must be/],
    ['the same id twice', { users: [{ id: 'ada' }, { id: 'ada' }] }, /^users\[1\]\.id: ada occurs twice/],
    ['a short private key', { users: [...users, { id: 'c', privateKey: '0x12' }] }, /^users\[2\]\.privateKey must be/],
    ['a private key that is none', { users: [{ id: 'c', privateKey: `0x${'0'.repeat(64)}` }] }, /^users\[0\]\.privateKey is not a key/],
    ['an API key that is none', { users: [{ id: 'c', apiKey: 'x' }] }, /^users\[0\]\.apiKey is invalid/],
    ['two keys', { users: [{ id: 'c', apiKey: 'x', privateKey: `0x${'1'.repeat(64)}` }] }, /^users\[0\]\.apiKey cannot be combined with privateKey/],
    ['an e-mail address twice', { users: [{ id: 'a', email: 'A@x.y' }, { id: 'b', email: 'a@X.y' }] }, /^users\[1\]\.email is another account's/],
    ['an owner who is nobody', { users, plans: [{ id: 'p', owner: 'eve' }] }, /^plans\[0\]\.owner: eve is not one of users/],
    ['no owner', { users, plans: [{ id: 'p' }] }, /^plans\[0\]\.owner is missing/],
    ['a price in words', { users, plans: [{ id: 'p', owner: 'ada', price: 'five' }] }, /^plans\[0\]\.price must be an amount/],
    ['a price that is a number', { users, plans: [{ id: 'p', owner: 'ada', price: 5 }] }, /^plans\[0\]\.price must be a text/],
    ['a price of too many places', { users, plans: [{ id: 'p', owner: 'ada', price: '1.0000001' }] }, /^plans\[0\]\.price must be an amount/],
    ['a card plan below its least', { users, plans: [{ id: 'p', owner: 'ada', payBy: 'card', price: '0.50' }] }, /^plans\[0\]: .*below 1\.00/],
    ['a currency that cannot pay so', { users, plans: [{ id: 'p', owner: 'ada', payBy: 'card', currency: 'USDC' }] }, /^plans\[0\]\.currency must be one of USD, EUR/],
    ['credits upside down', { users, plans: [{ id: 'p', owner: 'ada', minPerCall: '9', maxPerCall: '1' }] }, /^plans\[0\]: /],
    ['credits beyond a uint256', { users, plans: [{ id: 'p', owner: 'ada', credits: '9'.repeat(78) }] }, /^plans\[0\]\.credits must be/],
    ['a plan id that is none', { users, plans: [{ id: 'p', owner: 'ada', planId: '0x1' }] }, /^plans\[0\]\.planId must be a uint256/],
    ['a plan id twice', { users, plans: [{ id: 'p', owner: 'ada', planId: '7' }, { id: 'q', owner: 'ada', planId: '7' }] }, /^plans\[1\]\.planId is another plan's/],
    ['an organization that is none', { users, plans: [{ id: 'p', owner: 'ada', organization: 'o' }] }, /^plans\[0\]\.organization: o is not one of organizations/],
    ['an organization of others', { users, organizations: [{ id: 'o' }], plans: [{ id: 'p', owner: 'ada', organization: 'o' }] }, /^plans\[0\]: .*not a member/],
    ['a member who is nobody', { users, organizations: [{ id: 'o', members: [{ user: 'eve' }] }] }, /^organizations\[0\]\.members\[0\]\.user: eve is not one of users/],
    ['a role of its own', { users, organizations: [{ id: 'o', members: [{ user: 'ada', role: 'King' }] }] }, /^organizations\[0\]\.members\[0\]\.role must be one of/],
    ['an endpoint without a verb', { users, plans, agents: [{ id: 'a', owner: 'ada', endpoints: ['https://x'] }] }, /^agents\[0\]\.endpoints must be texts like/],
    ['an agent on no such plan', { users, plans, agents: [{ id: 'a', owner: 'ada', plans: ['q'] }] }, /^agents\[0\]\.plans: q is not one of plans/],
    ['no credits', { users, plans, balances: [{ id: 'b', user: 'bob', plan: 'p', credits: '0' }] }, /^balances\[0\]\.credits must be above 0/],
    ['a card that is none', { users, cards: [{ id: 'c', user: 'bob', number: '1234' }] }, /^cards\[0\]\.number or expiry: /],
    ['a limit of tenths of cents', { users, delegations: [{ id: 'd', user: 'bob', limit: '1.234' }] }, /^delegations\[0\]\.limit must be an amount/],
    ['no limit', { users, delegations: [{ id: 'd', user: 'bob' }] }, /^delegations\[0\]\.limit is missing/],
    ['a card of somebody else', { users, cards: [{ id: 'c', user: 'ada' }], delegations: [{ id: 'd', user: 'bob', card: 'c', limit: '1' }] }, /^delegations\[0\]\.card is another user's/],
    ['a provider of its own', { users, delegations: [{ id: 'd', user: 'bob', provider: 'pigeon', limit: '1' }] }, /^delegations\[0\]: provider must be/],
    ['a setting of its own', { users, settings: { speed: 1 } }, /^settings: speed is not a setting/],
    ['a clock of its own', { users, clock: { noon: 1 } }, /^clock: noon is not a member of the clock/],
  ]) {
    test(name, async () => {
      const { status, json } = await plant(file);
      assert.deepEqual([status, json.code], [400, 'SANDBOX.SEED'], JSON.stringify(json));
      assert.match(json.message, said);
      const now = await state();
      assert.deepEqual([now.accounts.total, now.plans.total, now.settings.creditsDelaySecs, now.clock.offsetMs], [0, 0, 0, 0]);
    });
  }

  test('what is there with something else said of it', async () => {
    await plant({ users, plans });
    const { status, json } = await plant({ users: [...users, { id: 'cy' }], plans: [{ ...plans[0], price: '6.00' }] });
    assert.deepEqual([status, json.code], [409, 'SANDBOX.SEED_CHANGED']);
    assert.match(json.message, /^plans\[0\]: p exists already/);
    assert.equal((await state()).accounts.total, 2);
  });
});

describe('the schema says what the sandbox takes', () => {
  for (const list of LISTS) {
    test(list, async () => {
      const { json } = await plant({ [list]: [{ nothing: 1 }] });
      const members = json.message.split(': ')[1].split(', ');
      const { properties, required, additionalProperties } = SCHEMA.$defs[list];
      assert.deepEqual(members.toSorted(), Object.keys(properties).sort());
      assert.equal(additionalProperties, false);
      assert.ok(required.includes('id') && EXAMPLE[list].every((entry) => required.every((name) => name in entry)));
    });
  }
  test('the file itself', async () => {
    const { json } = await plant({ nothing: 1 });
    assert.deepEqual(json.message.split(': ')[1].split(', ').sort(), Object.keys(SCHEMA.properties).sort());
    assert.deepEqual(LISTS.toSorted(), Object.keys(SCHEMA.properties).filter((name) => SCHEMA.properties[name].type === 'array').sort());
  });
  test('words that the schema lists are taken, and their defaults are what is meant', async () => {
    const { settings, clock } = SCHEMA.$defs;
    for (const [word, part] of [['settings', settings], ['clock', clock]]) {
      const { json } = await plant({ [word]: { nothing: 1 } });
      assert.deepEqual(/: ([^:]*)$/.exec(json.message)[1].split(', ').sort(), Object.keys(part.properties).sort());
    }
    const users = [{ id: 'ada' }];
    for (const type of SCHEMA.$defs.organizations.properties.type.enum) assert.equal((await plant({ users, organizations: [{ id: type, type }] })).status, 201, type);
    for (const provider of SCHEMA.$defs.cards.properties.provider.enum) assert.equal((await plant({ users, cards: [{ id: provider, user: 'ada', provider }] })).status, 201, provider);
    for (const provider of SCHEMA.$defs.delegations.properties.provider.enum) {
      for (const currency of SCHEMA.$defs.delegations.properties.currency.enum) {
        assert.equal((await plant({ users, delegations: [{ id: `${provider}-${currency}`, user: 'ada', provider, currency, limit: '1' }] })).status, 201, provider);
      }
    }
    await plant({ users, plans: [{ id: 'p', owner: 'ada' }] });
    const { items: [plan] } = (await state()).plans;
    const { minAmount, maxAmount, amount, isRedemptionAmountFixed } = plan.registry.credits;
    assert.deepEqual([amount, minAmount, maxAmount, isRedemptionAmountFixed, plan.registry.price.amounts], ['100', '1', '1', true, []]);
  });
});
