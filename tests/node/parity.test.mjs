// Points in which this package once differed from the official SDK without saying so. Each test is about the kind, not only the case that was found:
// what goes over the wire, with a scripted platform, or what the sandbox makes of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startSandbox } from '../../scripts/lib/start.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';
import { client } from '../sandbox/client.mjs';

const { OutcomeUnknown, Payments, PaymentsError } = sdk;
const ME = `0x${'1'.repeat(40)}`;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: ME, o11y: 'sk-helicone-x' })}.c2ln`;
const BACKEND = 'https://api.example';
const CARD = 'nvm:card-delegation';

/** An instance and the requests that went out; each is answered with `answer`. */
function scripted(answer = {}, options = {}) {
  const sent = [];
  const fetch = async (request) => {
    const { method, url } = request;
    sent.push({ method, url, headers: Object.fromEntries(request.headers), body: await request.clone().text() });
    return answer instanceof Function ? answer(request) : Response.json(answer);
  };
  return { sent, payments: Payments.getInstance({ nvmApiKey: KEY, environment: 'custom', backend: BACKEND, fetch, ...options }) };
}
const refused = async (work, code) => {
  const error = await (async () => work())().catch((error) => error);
  assert.ok(error instanceof PaymentsError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

describe('in whose name: an organization', () => {
  const list = { total: 0, page: 1, offset: 100, plans: [], agents: [] };
  for (const [name, call] of [
    ['plans.getPlans', ({ plans }, organization) => plans.getPlans(1, 10, 'created', 'asc', organization)],
    ['agents.getAgents', ({ agents }, organization) => agents.getAgents(1, 10, 'created', 'asc', organization)],
  ]) {
    test(`${name} takes it as the official SDK does, a string, or in an object; and refuses anything else by name`, async () => {
      const { payments, sent } = scripted(list);
      await call(payments, 'org-1');
      await call(payments, { organizationId: 'org-1' });
      await call(payments, undefined);
      assert.deepEqual(sent.map(({ url }) => new URL(url).searchParams.get('orgId')), ['org-1', 'org-1', null]);
      for (const wrong of [7, true, ['org-1'], { orgId: 'org-1' }, 'an org', '']) await refused(() => call(payments, wrong), 'validation');
      assert.equal(sent.length, 3);
    });
  }

  for (const [name, call] of [
    ['plans.registerPlan', ({ plans }, organization) => plans.registerPlan({ name: 'n' }, sdk.getFreePriceConfig(), sdk.getFixedCreditsConfig(1n), 1n, 'credits', organization)],
    ['agents.registerAgent', ({ agents }, organization) => agents.registerAgent({ name: 'n' }, {}, [], organization)],
  ]) {
    test(`${name} sends it for this call only`, async () => {
      const { payments, sent } = scripted({ planId: '1', data: { agentId: '2' } });
      for (const organization of ['org-1', { organizationId: 'org-1' }, undefined]) await call(payments, organization);
      assert.deepEqual(sent.map(({ headers }) => headers['x-current-org-id']), ['org-1', 'org-1', undefined]);
    });
  }

  test('that of the instance goes with each call that has the key, of buyers and of sellers, and with no other', async () => {
    const { payments, sent } = scripted({ delegations: [], balance: '1', data: {} }, { organizationId: 'org-1' });
    await payments.delegation.listDelegations();
    await payments.organizations.getMyMemberships();
    await payments.plans.getPlanBalance('1', ME);
    assert.deepEqual(sent.map(({ headers }) => headers['x-current-org-id']), ['org-1', 'org-1', undefined]);
    payments.setOrganizationId('org-2');
    await payments.delegation.listDelegations();
    await payments.organizations.getMyMemberships();
    assert.deepEqual(sent.slice(3).map(({ headers }) => headers['x-current-org-id']), ['org-2', 'org-2']);
  });
});

describe('the delegation of a token', () => {
  const minted = async (delegationConfig, options = {}, own = undefined) => {
    const { payments, sent } = scripted({ accessToken: 't' }, own && { delegationConfig: own });
    await payments.x402.getX402AccessToken('1', '2', { delegationConfig, ...options });
    assert.equal(sent.length, 1);
    return JSON.parse(sent[0].body);
  };

  test('delegationId and apiKeyId go both', async () => {
    const both = { delegationId: 'd-1', apiKeyId: 'k-1' };
    assert.deepEqual((await minted(both)).delegationConfig, both);
    assert.deepEqual((await minted(undefined, {}, both)).delegationConfig, both);
    const { payments, sent } = scripted({ accessToken: 't' });
    await payments.mpp.getMppAccessToken('1', undefined, { delegationConfig: both });
    assert.deepEqual(JSON.parse(sent[0].body).delegationConfig, both);
  });

  test('one that is made with the token is sent, its currency that of the scheme where none is given', async () => {
    const terms = { spendingLimitCents: 10000, durationSecs: 604800 };
    assert.deepEqual((await minted(terms)).delegationConfig, { ...terms, currency: 'usdc' });
    const card = { providerPaymentMethodId: 'pm_1', ...terms };
    assert.deepEqual((await minted(card, { scheme: CARD })).delegationConfig, { ...card, currency: 'usd' });
    assert.deepEqual((await minted({ ...card, currency: 'eur', maxTransactions: 3 }, { scheme: CARD })).delegationConfig, { ...card, currency: 'eur', maxTransactions: 3 });
    assert.deepEqual((await minted({ cardId: 'c-1' }, { scheme: CARD })).delegationConfig, { cardId: 'c-1', currency: 'usd' });
    assert.deepEqual((await minted({ delegationId: 'd-1', ...terms })).delegationConfig, { delegationId: 'd-1' }, 'an existing one has its terms');
  });

  test('options may be the sixth argument, as with older versions; limits of a token are refused, because no token has any', async () => {
    const { payments, sent } = scripted({ accessToken: 't' });
    await payments.x402.getX402AccessToken('1', '2', undefined, undefined, undefined, { delegationConfig: { delegationId: 'd-1' } });
    assert.deepEqual(JSON.parse(sent[0].body).delegationConfig, { delegationId: 'd-1' });
    const options = { delegationConfig: { delegationId: 'd-1' } };
    for (const given of [[10n], [undefined, '5'], [undefined, undefined, '2027-01-01T00:00:00Z', options], [10n, undefined, undefined, options]]) {
      assert.match((await refused(() => payments.x402.getX402AccessToken('1', '2', ...given), 'validation')).message, /no limits/);
    }
    assert.equal(sent.length, 1);
  });

  test('without one it is the only active delegation for the scheme; where there are several or none, somebody has to choose', async () => {
    const delegation = (delegationId, more) => ({ delegationId, provider: 'erc4337', status: 'Active', ...more });
    const of = (delegations) => scripted((request) => Response.json(request.method === 'GET' ? { delegations } : { accessToken: 't' }));
    const card = delegation('c-1', { provider: 'stripe' });
    for (const [delegations, scheme, expected] of [
      [[delegation('d-1'), card], undefined, 'd-1'], [[delegation('d-1'), card], CARD, 'c-1'],
      [[delegation('d-1', { status: 'Revoked' }), delegation('d-2')], undefined, 'd-2'],
    ]) {
      const { payments, sent } = of(delegations);
      await payments.x402.getX402AccessToken('1', undefined, scheme && { scheme });
      assert.match(sent[0].url, /\/delegation\?accessible=true$/);
      assert.deepEqual(JSON.parse(sent[1].body).delegationConfig, { delegationId: expected });
    }
    for (const delegations of [[], [card], [delegation('d-1'), delegation('d-2')], [delegation('d-1', { status: 'Revoked' })]]) {
      const { payments, sent } = of(delegations);
      await refused(() => payments.x402.getX402AccessToken('1'), 'delegation_required');
      assert.equal(sent.length, 1, 'nothing is minted');
    }
  });

  test('a single-use token is asked for with what binds it, and only then', async () => {
    const body = await minted({ delegationId: 'd-1' }, { tokenVersion: 3, resource: { url: '/ask' }, httpVerb: 'post' });
    assert.deepEqual([body.tokenVersion, body.resource, body.accepted.extra], [3, { url: '/ask' }, { agentId: '2', httpVerb: 'POST' }]);
    const plain = await minted({ delegationId: 'd-1' }, { tokenVersion: 2 });
    assert.deepEqual(Object.keys(plain), ['accepted', 'delegationConfig']);
    for (const bound of [{ resource: { url: '/ask' } }, { httpVerb: 'POST' }, { tokenVersion: 2, httpVerb: 'POST' }]) {
      await refused(() => minted({ delegationId: 'd-1' }, bound), 'validation');
    }
  });

  test('the network is that of the environment and the scheme', async () => {
    for (const [prefix, scheme, network] of [
      ['sandbox', 'nvm:erc4337', 'eip155:84532'], ['live', 'nvm:erc4337', 'eip155:8453'], ['live-staging', 'nvm:erc4337', 'eip155:8453'],
      ['local', 'nvm:erc4337', 'eip155:84532'], ['live', 'nvm:card-delegation', 'stripe'],
    ]) {
      const { payments, sent } = scripted({ accessToken: 't' }, { nvmApiKey: KEY.replace('local', prefix) });
      await payments.x402.getX402AccessToken('1', undefined, { scheme, delegationConfig: { delegationId: 'd-1' } });
      assert.equal(JSON.parse(sent[0].body).accepted.network, network, prefix);
    }
  });
});

test('version is the version of the API that each call asks for; another form is refused', async () => {
  const calls = async (payments) => {
    await payments.plans.getPlan('1');
    await payments.contracts.getDeploymentInfo();
  };
  for (const [version, expected] of [[undefined, '1.1'], ['1.2', '1.2'], ['2.0', '2.0']]) {
    const { payments, sent } = scripted({ deployment: { contracts: {} } }, { version });
    await calls(payments);
    assert.deepEqual(sent.map(({ headers }) => headers['nevermined-version']), [expected, expected]);
  }
  for (const version of ['', '1', '1.0.0', 'v1.1', 1.1]) assert.throws(() => scripted({}, { version }), { code: 'validation', message: /^version must be/ });
});

describe('an order that the platform itself calls failed is a no, with its words', () => {
  const no = { code: 'BCK.PROTOCOL.0005', message: 'This plan is paid by card', hint: 'Use the checkout', correlationId: 'c-1' };
  test('its code, message and hint are in the error, and nothing is unknown', async () => {
    const { payments } = scripted(() => Response.json(no, { status: 500 }));
    const error = await refused(() => payments.plans.orderPlan('1'), no.code);
    assert.deepEqual([error instanceof OutcomeUnknown, error.message, error.hint, error.status], [false, no.message, no.hint, 500]);
  });
  test('any other failure of the platform leaves the outcome open', async () => {
    for (const [body, status] of [[{ code: 'BCK.X402.0017', message: 'charged, no credits' }, 500], [{}, 500], [{}, 503], [{}, 408]]) {
      const { payments } = scripted(() => Response.json(body, { status }));
      assert.ok(await refused(() => payments.plans.orderPlan('1'), 'purchase_outcome_unknown') instanceof OutcomeUnknown);
    }
  });
});

test('agentApi may be missing: it is not sent', async () => {
  const { payments, sent } = scripted({ success: true, data: { agentId: '1', planId: '2' } });
  await payments.agents.registerAgent({ name: 'n' }, undefined, ['1']);
  await payments.agents.registerAgentAndPlan({ name: 'n' }, undefined, { name: 'p' }, sdk.getFreePriceConfig(), sdk.getFixedCreditsConfig(1n));
  await payments.agents.updateAgentMetadata('1', { description: 'd' });
  assert.deepEqual(sent.map(({ body }) => body.includes('agentApiAttributes')), [false, false, false]);
});

test('a balance is a bigint, and JSON has it as digits: inside other objects too', async () => {
  const { payments } = scripted({ planId: '1', balance: '12345678901234567890', isSubscriber: true });
  const balance = await payments.plans.getPlanBalance('1');
  assert.equal(balance.balance, 12345678901234567890n);
  assert.equal(BigInt(balance.balance), 12345678901234567890n);
  assert.equal(JSON.parse(JSON.stringify({ credits: balance })).credits.balance, '12345678901234567890');
});

test('members that this package does not know go to the platform, where the payload is the platform\'s, and come back', async () => {
  const { payments, sent } = scripted({ delegationId: 'd-1', more: 1, walletResult: { hash: 'local:k', userId: 'u', userWallet: ME, alreadyMember: false, nvmApiKey: 'sealed', more: 2 } });
  const delegation = await payments.delegation.createDelegation({ provider: 'stripe', spendingLimitCents: 100, durationSecs: 60, currency: 'eur', theirs: { a: 1n } });
  assert.deepEqual([JSON.parse(sent[0].body).theirs, delegation.more], [{ a: '1' }, 1]);
  const member = await payments.organizations.createMember('u');
  assert.deepEqual([member.hash, member.nvmApiKey, member.more], ['local:k', 'local:k', 2], 'the usable key goes by both names');
});

test('createDelegation fills in the currency: USDC of a wallet, dollars of a card', async () => {
  const { payments, sent } = scripted({ delegationId: 'd-1' });
  for (const provider of ['erc4337', 'stripe', 'braintree']) await payments.delegation.createDelegation({ provider, spendingLimitCents: 1, durationSecs: 60 });
  assert.deepEqual(sent.map(({ body }) => JSON.parse(body).currency), ['usdc', 'usd', 'usd']);
});

describe('the environment custom, and variables', () => {
  const names = ['NVM_BACKEND_URL', 'NVM_FRONTEND_URL', 'NVM_EMBED_URL', 'HELICONE_URL'];
  const was = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  after(() => names.forEach((name) => { if (was[name] === undefined) delete process.env[name]; else process.env[name] = was[name]; }));
  before(() => names.forEach((name) => delete process.env[name]));

  test('without a backend in options or variables, an instance is refused', () => {
    assert.throws(() => Payments.getInstance({ nvmApiKey: KEY }), { code: 'validation', message: 'backend is missing' });
  });
  test('the variables are read where no backend is given; one that is given goes before them', async () => {
    process.env.NVM_BACKEND_URL = 'http://127.0.0.1:1003';
    process.env.HELICONE_URL = 'http://127.0.0.1:1004';
    const sent = [];
    const fetch = async ({ url }) => { sent.push(url); return Response.json({ deployment: { contracts: {} } }); };
    for (const backend of [undefined, BACKEND]) {
      const payments = Payments.getInstance({ nvmApiKey: KEY, backend, fetch });
      await payments.plans.getPlan('1');
      await payments.contracts.getDeploymentInfo();
      assert.equal(payments.observability.heliconeBaseUrl, 'http://127.0.0.1:1004/jawn/v1/gateway/oai/v1');
    }
    assert.deepEqual(sent.map((url) => new URL(url).origin), ['http://127.0.0.1:1003', 'http://127.0.0.1:1003', BACKEND, BACKEND]);
    assert.equal(sdk.Environments.custom.backend, 'http://127.0.0.1:1003');
  });
  test('a variable is checked as an option is: no key goes over plain HTTP to another machine', async () => {
    process.env.NVM_BACKEND_URL = 'http://api.example';
    const payments = Payments.getInstance({ nvmApiKey: KEY, fetch: () => assert.fail('something is sent') });
    await refused(() => payments.plans.getPlan('1'), 'validation');
    await refused(() => payments.organizations.getMyMemberships(), 'validation');
  });
  test('a hosted environment is where it is', async () => {
    process.env.NVM_BACKEND_URL = 'http://127.0.0.1:1003';
    const { payments, sent } = scripted({}, { nvmApiKey: KEY.replace('local', 'sandbox'), backend: undefined });
    await payments.plans.getPlan('1');
    assert.equal(new URL(sent[0].url).origin, 'https://api.sandbox.nevermined.app');
  });
});

test('resolveScheme and resolveNetwork read a plan once for each instance; a failure is not kept', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
  let fails = true;
  const { payments, sent } = scripted(() => (fails ? Response.json({}, { status: 404 }) : Response.json({ id: '1', registry: { price: { isCrypto: false } }, metadata: { plan: { fiatPaymentProvider: 'visa' } } })));
  await refused(() => sdk.resolveScheme(payments, '1'), 'http_404');
  fails = false;
  assert.equal(await sdk.resolveScheme(payments, '1'), 'nvm:card-delegation');
  assert.deepEqual(await Promise.all([sdk.resolveNetwork(payments, '1'), sdk.resolveNetwork(payments, 1n), sdk.resolveScheme(payments, '1')]), ['visa', 'visa', 'nvm:card-delegation']);
  assert.equal(sent.length, 2);
  t.mock.timers.setTime(1_000 + 5 * 60_000);
  await sdk.resolveNetwork(payments, '1');
  assert.equal(sent.length, 3, 'after five minutes it is read anew');
  const other = scripted({ id: '1' });
  await sdk.resolveScheme(other.payments, '1');
  assert.equal(other.sent.length, 1);
});

describe('the official names', () => {
  test('a class of each part gives the part of an instance', () => {
    const { payments } = scripted();
    for (const [name, part] of [
      ['PlansAPI', 'plans'], ['AgentsAPI', 'agents'], ['X402TokenAPI', 'x402'], ['DelegationAPI', 'delegation'], ['FacilitatorAPI', 'facilitator'],
      ['AgentRequestsAPI', 'requests'], ['OrganizationsAPI', 'organizations'], ['ContractsAPI', 'contracts'], ['OrdersAPI', 'orders'], ['MppAPI', 'mpp'],
      ['ObservabilityAPI', 'observability'],
    ]) {
      assert.equal(sdk[name].getInstance(payments.options), payments[part], name);
      assert.ok(payments[part] instanceof sdk[name], name);
      const made = sdk[name].getInstance({ nvmApiKey: KEY, environment: 'custom', backend: BACKEND });
      assert.ok(made instanceof sdk[name] && made !== payments[part]);
    }
    assert.throws(() => sdk.DelegationAPI.getInstance({}), { code: 'validation', message: 'nvmApiKey is missing' });
  });

  test('environments, schemes, headers and small helpers', () => {
    assert.deepEqual(Object.keys(sdk.Environments), ['sandbox', 'live', 'staging_sandbox', 'staging_live', 'custom']);
    assert.equal(sdk.Environments.staging_live.backend, 'https://api.live.nevermined.dev');
    assert.deepEqual(['sandbox:a.e30.c', 'LIVE:a.e30.c', 'live-staging:a.e30.c', 'nvm:a.e30.c', 'nonsense', ''].map(sdk.getEnvironmentFromApiKey), ['sandbox', 'live', 'staging_live', 'custom', 'custom', 'custom']);
    assert.deepEqual(['nvm:erc4337', 'nvm:card-delegation', 'exact', undefined, 'toString'].map(sdk.isValidScheme), [true, true, false, false, false]);
    assert.deepEqual([sdk.getDefaultNetwork('nvm:erc4337'), sdk.getDefaultNetwork('nvm:erc4337', 'live'), sdk.getDefaultNetwork('nvm:card-delegation', 'live')], ['eip155:84532', 'eip155:8453', 'stripe']);
    assert.ok(sdk.X402_SCHEME_NETWORKS['nvm:card-delegation'].includes('braintree'));
    assert.deepEqual([sdk.API_VERSION_HEADER, sdk.LOCKED_API_VERSION, sdk.CURRENT_ORG_ID_HEADER], ['Nevermined-Version', '1.1', 'X-Current-Org-Id']);
    assert.deepEqual([ME, `${ME}0`, 'x', undefined].map(sdk.isEthereumAddress), [true, false, false, false]);
    const [some, other] = [sdk.getRandomBigInt(), sdk.getRandomBigInt()];
    assert.ok(some !== other && some < 1n << 128n && sdk.getRandomBigInt(8) < 256n);
  });

  test('the version of a token, and the error of one that was presented before', () => {
    const token = (nonce) => sdk.encodeAccessToken({ accepted: { planId: '1' }, payload: { authorization: { from: ME, ...(nonce !== undefined && { nonce }) } } });
    assert.deepEqual([token('0xab'), token(), token(''), token(' '), 'no token'].map(sdk.detectAccessTokenVersion), [3, 2, 2, 2, null]);
    assert.deepEqual([sdk.isSingleUseAccessToken(token('0xab')), sdk.isSingleUseAccessToken(token()), sdk.isSingleUseAccessToken('x')], [true, false, false]);
    assert.deepEqual([{ code: sdk.X402_TOKEN_ALREADY_USED_CODE }, { code: 'BCK.X402.0005' }, undefined].map(sdk.isAccessTokenAlreadyUsed), [true, false, false]);
  });

  test('the offer of a 402 is there at once, and the plan may be one of its options', () => {
    const options = { endpoint: '/ask', agentId: '2', httpVerb: 'POST' };
    const offer = sdk.buildPaymentRequired('1', options);
    assert.deepEqual(offer, {
      x402Version: 2, resource: { url: '/ask' },
      accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '1', extra: { version: '1', agentId: '2', httpVerb: 'POST' } }], extensions: {},
    });
    assert.deepEqual(sdk.buildPaymentRequired({ planId: '1', ...options }), offer);
    assert.throws(() => sdk.buildPaymentRequired('1', { endpint: '/ask' }), { code: 'validation' });
  });
});

describe('at the sandbox', () => {
  let sandbox, seller, planId;
  before(async () => {
    sandbox = await startSandbox();
    seller = await client(sandbox.url).open('A seller');
    planId = await seller.plan();
  });
  after(() => sandbox?.stop());
  const MOST = String(2n ** 256n - 1n);

  test('durations are uint256, as on chain: above 2^53 too', async () => {
    const payments = Payments.getInstance({ nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url });
    for (const duration of [2n ** 53n, BigInt(MOST)]) {
      const made = await payments.plans.registerTimePlan({ name: 'For good' }, sdk.getFreePriceConfig(), sdk.getExpirableDurationConfig(duration));
      const { registry } = await payments.plans.getPlan(made.planId);
      assert.equal(registry.credits.durationSecs, String(duration));
      assert.equal((await payments.plans.orderPlan(made.planId)).success, true);
      assert.equal((await payments.plans.getPlanBalance(made.planId)).isSubscriber, true);
      await payments.plans.mintPlanExpirable(planId, 5n, seller.address, duration);
    }
    assert.equal((await payments.plans.getPlanBalance(planId)).balance, 10n);
  });

  test('a delegation that is made with a token needs no currency', async () => {
    for (const [name, scheme, config, currency] of [
      ['A wallet', 'nvm:erc4337', { spendingLimitCents: 500, durationSecs: 3600 }, 'usdc'],
      ['A card', 'nvm:card-delegation', { spendingLimitCents: 500, durationSecs: 3600 }, 'usd'],
    ]) {
      const buyer = await client(sandbox.url).open(name);
      const { status } = await buyer.post('/api/v1/x402/permissions', {
        accepted: { scheme, network: scheme === 'nvm:erc4337' ? 'eip155:84532' : 'stripe', planId, extra: {} }, delegationConfig: config,
      });
      assert.equal(status, 201);
      const { json } = await buyer.get('/api/v1/delegation');
      assert.deepEqual(json.delegations.map((one) => one.currency), [currency]);
    }
  });

  test('an agent that is updated without a name keeps it', async () => {
    const payments = Payments.getInstance({ nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url });
    const { agentId } = await payments.agents.registerAgent({ name: 'Oracle', tags: ['a'] }, { endpoints: [{ POST: 'https://a.example/ask' }] }, [planId]);
    await payments.agents.updateAgentMetadata(agentId, { description: 'Answers', tags: ['b'] }, { endpoints: [{ POST: 'https://a.example/v2/ask' }] });
    const { metadata } = await payments.agents.getAgent(agentId);
    assert.deepEqual([metadata.main.name, metadata.main.description, metadata.main.tags], ['Oracle', 'Answers', ['b']]);
  });

  test('a plan that is paid by card is refused to a wallet with the platform\'s own words', async () => {
    const payments = Payments.getInstance({ nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url });
    const made = await payments.plans.registerCreditsPlan({ name: 'By card' }, sdk.getFiatPriceConfig(5_000_000n, seller.address), sdk.getFixedCreditsConfig(10n));
    const error = await refused(() => payments.plans.orderPlan(made.planId), 'BCK.PROTOCOL.0005');
    assert.ok(error.hint && error.message.includes('card'), error.message);
  });
});
