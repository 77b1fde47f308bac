// Options: every shape at every depth refuses what it does not know, reads own members once, and names the field.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { MADE } from '../../scripts/lib/options.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import { publicTypes } from '../../scripts/lib/types.mjs';
import { Payments as Seller } from '../../target/dist/subscriber/builder.js';
import { Payments, buildPaymentRequired } from '../../target/dist/subscriber/page.js';
import { failure } from './harness.mjs';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: `0x${'1'.repeat(40)}` })}.c2ln`;
const PLATFORM = 'http://127.0.0.1:1002';
const ASK = 'http://127.0.0.1:1001/ask';
const BASE = { nvmApiKey: KEY, environment: 'custom', backend: PLATFORM };
const { client: all, gate } = JSON.parse(readFileSync(repoPath('src/options.json'), 'utf8'));
const membersOf = (shape) => Object.assign({}, ...(all[shape].extends ?? []).map(membersOf), all[shape].members);

const accepts = { scheme: 'nvm:erc4337', network: 'eip155:84532', planId: '77', extra: { version: '1', credits: '2' } };
const OFFER = Buffer.from(JSON.stringify({ x402Version: 2, resource: { url: '/ask' }, accepts: [accepts], extensions: {} })).toString('base64');

const PLAN = { id: '77', registry: { price: { isCrypto: true, amounts: [], receivers: [] }, credits: { isRedemptionAmountFixed: true, amount: '100', minAmount: '2', maxAmount: '2', durationSecs: '0' } } };
/** The responses of the seller and the platform. */
const answer = ({ url }) => {
  if (url === ASK) return new Response('pay', { status: 402, headers: { 'payment-required': OFFER } });
  return Response.json(url.endsWith('/plans/77') ? PLAN : { balance: '0' });
};

/** An instance; what it sends is noted, and the seller asks for two credits. */
function buyer(options = {}) {
  const sent = [];
  const payments = Payments.getInstance({ ...BASE, ...options, async fetch(request) {
    sent.push(request.url);
    return answer(request);
  } });
  return { payments, sent };
}

const seller = () => Seller.getInstance({ ...BASE, fetch: () => assert.fail('something is sent') });
const thrown = (make) => { try { make(); } catch (error) { return error; } return assert.fail('it is taken'); };

/** How options of each shape are given: what comes is the error. */
const GIVEN = {
  PaymentOptions: (options) => thrown(() => Payments.getInstance({ ...BASE, ...options })),
  FetchOptions: (options) => failure(buyer().payments.fetch(ASK, {}, options)),
  QuoteOptions: (options) => failure(buyer().payments.quote(ASK, {}, options)),
  WaitOptions: (options) => failure(buyer().payments.plans.waitForCredits('1', options)),
  CheckoutOptions: (options) => failure(buyer().payments.plans.checkout('1', options)),
  ReturnOptions: (options) => failure(buyer().payments.plans.checkoutReturned(options)),
  CardOptions: (options) => failure(buyer().payments.delegation.setupCard(options)),
  ConnectOptions: (options) => thrown(() => buyer().payments.connect(options)),
  X402TokenOptions: (options) => failure(buyer().payments.x402.getX402AccessToken('1', '2', options)),
  OrganizationOptions: (options) => failure(buyer().payments.plans.getPlans(1, 10, 'created', 'asc', options)),
  PaginationOptions: (options) => failure(buyer().payments.agents.getAgentPlans('1', options)),
  DelegationListOptions: (options) => failure(buyer().payments.delegation.listDelegations(options)),
  PaymentMethodListOptions: (options) => failure(buyer().payments.delegation.listPaymentMethods(options)),
  PaymentMethodChanges: (options) => failure(buyer().payments.delegation.updatePaymentMethod('pm_1', options)),
  LoginUrlOptions: (options) => failure(Payments.loginUrl({ callbackUrl: 'http://localhost:1/', backend: PLATFORM, ...options })),
  PaymentRequiredOptions: (options) => thrown(() => buildPaymentRequired('1', options)),
  MppFetchOptions: (options) => failure(seller().mpp.fetch(ASK, {}, options)),
};

describe('an option that is not known is refused by its name, and a near one is named', () => {
  for (const [shape, give] of Object.entries(GIVEN)) {
    test(shape, async () => {
      const members = Object.entries(membersOf(shape));
      for (const [name] of members) {
        for (const wrong of [`${name.slice(0, -2)}${name.at(-1)}${name.at(-2)}`, `${name}x`, name.toUpperCase()]) {
          if (wrong === name || membersOf(shape)[wrong]) continue;
          const error = await give({ [wrong]: undefined });
          assert.deepEqual([error.name, error.code], ['PaymentsError', 'validation'], error.stack);
          assert.match(error.message, new RegExp(`^${wrong} is not an option; did you mean \\w+\\?$`));
          assert.ok(error.hint.includes(name), error.hint);
        }
      }
      for (const name of ['zzzzzzzzzzz', 'constructor', '__proto__']) {
        const error = await give(JSON.parse(`{ "${name}": 1 }`));
        assert.ok(error.message.startsWith(`${name} is not an option`), error.message);
      }
    });
  }

  for (const [depth, options, message] of [
    ['policy', { policy: { maxCreditsPerReqest: 1 } }, 'policy.maxCreditsPerReqest is not an option; did you mean maxCreditsPerRequest?'],
    ['timeouts', { timeouts: { sent: 5 } }, 'timeouts.sent is not an option; did you mean send?'],
    ['delegationConfig', { delegationConfig: { delegationID: 'd' } }, 'delegationConfig.delegationID is not an option; did you mean delegationId?'],
  ]) {
    test(`inside ${depth}, of an instance and of a call`, async () => {
      assert.equal(thrown(() => Payments.getInstance({ ...BASE, ...options })).message, message);
      const { payments, sent } = buyer();
      const error = await failure(payments.fetch(ASK, {}, options));
      assert.deepEqual([error.message, error.code, error.spend.outcome, sent], [message, 'validation', 'none', []]);
    });
  }

  test('the fetch that is wrapped', () => {
    for (const wrong of ['x', {}, { fetch }, true]) {
      const error = thrown(() => buyer().payments.wrapFetch(wrong));
      assert.deepEqual([error.code, error.message], ['validation', 'fetch must be a function']);
    }
    for (const right of [undefined, null, fetch]) buyer().payments.wrapFetch(right);
  });

  test('inside budget', () => {
    assert.equal(thrown(() => Payments.getInstance({ ...BASE, budget: { storage: 'local', nmae: 'x' } })).message, 'budget.nmae is not an option; did you mean name?');
  });

  test('what an approve callback answers', async () => {
    for (const [answer, message] of [
      [{ approve: true, purchse: true }, 'approval.purchse is not an option; did you mean purchase?'],
      [{ approve: 'yes' }, 'approval.approve must be true or false'],
      [{ approve: true, delegationId: 7 }, 'approval.delegationId must be a string'],
    ]) {
      const { payments, sent } = buyer({ approve: async () => answer });
      const error = await failure(payments.fetch(ASK));
      assert.deepEqual([error.code, error.cause.code, error.cause.message], ['approve_failed', 'validation', message]);
      assert.deepEqual(sent, [ASK], 'nothing is minted or ordered');
    }
    for (const answer of [false, undefined, 0, 'yes', 1, null, {}, { purchase: true }]) {
      const { payments, sent } = buyer({ approve: () => answer });
      assert.equal((await failure(payments.fetch(ASK))).code, 'consent_denied', JSON.stringify(answer));
      assert.deepEqual(sent, [ASK]);
    }
  });

  test('a delegation: what is near a known member; others are the platform\'s', async () => {
    const { payments, sent } = buyer();
    const terms = { provider: 'erc4337', spendingLimitCents: 100, durationSecs: 60, currency: 'usdc' };
    const error = await failure(payments.delegation.createDelegation({ ...terms, maxTransaction: 1 }));
    assert.equal(error.message, 'maxTransaction is not an option; did you mean maxTransactions?');
    assert.deepEqual(sent, []);
    await payments.delegation.createDelegation({ ...terms, somethingOfTheirs: { a: 1n } });
    assert.equal(sent.length, 1);
  });

  test('the resources of a seller', async () => {
    const selling = seller();
    for (const call of [
      () => selling.plans.getPlans(1, 10, 'created', 'asc', { organisationId: 'o' }),
      () => selling.agents.getAgentPlans('1', { pages: 1 }),
      () => selling.facilitator.settlePermissions({ paymentRequired: {}, x402AccessToken: 't', maxAmmount: 1 }),
      () => selling.orders.createOrder({ amountMinr: 1 }),
      () => selling.delegation.listDelegations({ accesible: true }),
    ]) {
      const error = await failure(call());
      assert.ok(error.code === 'validation' && / is not an option; did you mean \w+\?$/.test(error.message), error.message);
    }
  });
});

/** A value of a wrong kind for each kind, and what is said about it. */
const WRONG = {
  text: [7, 'a string'], version: ['1.0.0', "a version of the API: '1.1'"], organization: ['a b', 'an id'], flag: ['yes', 'true or false'], function: ['f', 'a function'], approve: [true, 'a function'], whole: [1.5, 'a whole number'],
  milliseconds: [0, 'a whole number of milliseconds above zero'], credits: ['many', 'a whole number of credits: a bigint, a decimal string or a number'],
  texts: [['a', 7], 'an array of strings'], textsOrNull: ['x', 'an array of strings, or null'], origins: [['api.example'], "an array of origins, as 'https://api.example', or ['*']"],
  place: ['http://api.example', 'an https URL, or an http URL of this machine'], web: ['ftp://x', 'an http or https URL'], signal: [{}, 'an AbortSignal'],
  wallet: [{ address: '0x1' }, 'an EIP-1193 provider, or an object with address and signTypedData'], amountLimits: ['x', 'an array of limits'],
  resume: ['x', 'the error or the result of an earlier fetch'],
};

describe('a value of a wrong kind is refused by the name of its field', () => {
  for (const [shape, give] of Object.entries(GIVEN)) {
    test(shape, async () => {
      for (const [name, { type }] of Object.entries(membersOf(shape))) {
        if (type === 'any') continue;
        const [value, what] = WRONG[type] ?? ['x', all[type] ? 'an object' : type.replaceAll(' | ', ', ').replace(/, ([^,]*)$/, ' or $1')];
        const error = await give({ [name]: value });
        assert.deepEqual([error.code, error.message], ['validation', `${name} must be ${what}`]);
      }
    });
  }

  test('numbers that are not exact, or out of range', () => {
    const bad = (options) => thrown(() => Payments.getInstance({ ...BASE, ...options })).message;
    for (const value of [-1, -1n, 1.5, NaN, Infinity, 2 ** 60, '', '-1', '1.0', '1e3', ' 1', '0x1', 1n << 256n, '9'.repeat(79), true, [], {}]) {
      assert.match(bad({ policy: { maxCreditsTotal: value } }), /^policy\.maxCreditsTotal must be a whole number of credits/, String(value));
    }
    for (const value of [1, '1', 1n, '0', (1n << 256n) - 1n]) Payments.getInstance({ ...BASE, policy: { maxCreditsTotal: value } });
    for (const value of [0, -1, 1.5, '5', NaN]) assert.match(bad({ timeouts: { send: value } }), /^timeouts\.send must be/, String(value));
  });

  test('each of those of a list', () => {
    for (const plans of ['77', { 0: '77', length: 1 }, [77], [undefined], [null], [, '77']]) { // eslint-disable-line no-sparse-arrays
      assert.equal(thrown(() => Payments.getInstance({ ...BASE, policy: { plans } })).message, 'policy.plans must be an array of strings');
    }
  });
});

describe('options are read once, and own members only', () => {
  test('a getter is asked once, whatever it would say next', async () => {
    const asked = {};
    const once = (name, ...values) => ({ enumerable: true, get: () => { asked[name] = (asked[name] ?? 0) + 1; return values[Math.min(asked[name], values.length) - 1]; } });
    const policy = Object.defineProperties({}, { maxCreditsTotal: once('maxCreditsTotal', '1', '1000'), plans: once('plans', ['77'], []) });
    const options = Object.defineProperties({ ...BASE }, { policy: once('policy', policy, { }), approve: once('approve', () => false, () => true), fetch: once('fetch', async (request) => answer(request)) });
    const payments = Payments.getInstance(options);
    assert.equal((await failure(payments.fetch(ASK))).code, 'budget_exceeded');
    assert.deepEqual(asked, { maxCreditsTotal: 1, plans: 1, policy: 1, approve: 1, fetch: 1 });
  });

  test('a list that changes is the list that was given', async () => {
    const plans = ['5'];
    const { payments } = buyer({ policy: { plans } });
    plans[0] = '77';
    assert.notEqual((await failure(payments.fetch(ASK))).code, 'insufficient_credits');
  });

  test('an object that changes after the call is as it was', async () => {
    const policy = { maxCreditsPerRequest: 1, origins: ['*'] };
    const { payments } = buyer({ policy });
    policy.maxCreditsPerRequest = 100;
    assert.equal((await failure(payments.fetch(ASK))).code, 'budget_exceeded');
  });

  test('a prototype says nothing', async () => {
    const inherited = Object.create({ approve: () => true, policy: { purchase: true } });
    const { payments } = buyer(Object.assign(inherited, {}));
    assert.notEqual((await failure(payments.fetch(ASK, {}, Object.create({ approve: () => true })))).code, 'approve_failed');
    Object.prototype.policy = { maxCreditsPerRequest: 1000 };
    Object.prototype.approve = () => true;
    try {
      const { payments: other, sent } = buyer();
      const error = await failure(other.fetch(ASK, {}, {}));
      assert.deepEqual(sent.filter((url) => url.endsWith('/permissions') || url.endsWith('/order')), [], error.code);
    } finally {
      delete Object.prototype.policy;
      delete Object.prototype.approve;
    }
  });

  test('a proxy is asked for each member once', () => {
    const asked = [];
    Payments.getInstance(new Proxy({ ...BASE }, { get: (target, name) => { asked.push(name); return target[name]; } }));
    assert.deepEqual(asked.sort(), Object.keys(BASE).sort());
  });

  test('members that nobody lists are read too', () => {
    const hidden = Object.defineProperty({ ...BASE }, 'polcy', { value: {}, enumerable: false });
    assert.equal(thrown(() => Payments.getInstance(hidden)).message, 'polcy is not an option; did you mean policy?');
  });

  test('undefined and null are absent', () => {
    const none = Object.fromEntries(Object.keys(membersOf('PaymentOptions')).filter((name) => !(name in BASE)).map((name, index) => [name, index % 2 ? null : undefined]));
    assert.ok(Payments.getInstance({ ...BASE, ...none }).isLoggedIn);
  });
});

test('one host has one name', () => {
  for (const backend of ['http://LOCALHOST:1002', 'http://localhost.:1002/', 'HTTP://LocalHost:1002', 'http://[::1]:1002', 'http://127.0.0.1:1002', 'https://API.Example./v1/']) Payments.getInstance({ ...BASE, backend });
  for (const backend of ['http://api.example', 'http://127.0.0.1.example', 'http://localhost@api.example', 'https://a:b@api.example', 'https://a?x', 'https://a#x', 'ftp://localhost', 'localhost:1002', 'http:\\\\localhost', '']) {
    assert.equal(thrown(() => Payments.getInstance({ ...BASE, backend })).message, 'backend must be an https URL, or an http URL of this machine', backend);
  }
});

for (const [path, make] of Object.entries(MADE)) test(`${path} is what the description says`, () => {
  assert.equal(readFileSync(repoPath(path), 'utf8'), make(), 'npm run docs writes it');
});

describe('docs/errors.md', () => {
  const page = readFileSync(repoPath('docs/errors.md'), 'utf8');
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, code]) => code);
  /** The sources of a folder, all the way down, without their tests. */
  const sources = (folder) => readdirSync(repoPath(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(rs|js)$/.test(entry.name) && !/(^|\/)tests(\/|\.rs$)/.test(`${entry.parentPath ?? entry.path}/${entry.name}`.slice(repoPath(folder).length + 1)))
    .map((entry) => readFileSync(`${entry.parentPath ?? entry.path}/${entry.name}`, 'utf8').split(/#\[cfg\(test\)\]\nmod tests \{/)[0]).join('\n');
  const named = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, ...codes]) => codes.find(Boolean)))];
  const missing = (codes, least) => {
    assert.ok(codes.length >= least, `${codes.length}: ${codes}`);
    return codes.filter((code) => !headings.includes(code));
  };

  test('each code is a heading once, with what to do', () => {
    assert.equal(new Set(headings).size, headings.length);
    for (const part of page.split(/^### /m).slice(1)) assert.match(part, /\n\nWhat to do: \S/, part.split('\n')[0]);
  });

  test('each code that the client makes is in it', () => {
    const text = ['src/bindings/subscriber', 'src/bindings/builder', 'src/bindings/http', 'src/subscriber', 'src/api'].map(sources).join('\n');
    assert.deepEqual(missing(named(text, /\bcode: ?["']([a-z_]+)["']|=> "([a-z]+_[a-z_]+)",|problem\(\s*'([a-z_]+)'|\\?"code\\?":\\?"([a-z_]+)/g), 45), []);
  });

  test('each code that a gate answers with, or writes down, is in it', () => {
    // Every text of that form is a code, but for these: names of measures and of texts, a word of the platform's, and reasons of x402's facilitators.
    const others = /^(paywall_.*|credits_(one|many)|balance_counted|content_.*|application_.*|invalid_(payload|payment_requirements|exact_evm_.*|exact_svm_payload_(mint|amount|recipient)_mismatch)|settlement_pending)$/;
    const text = ['src/paywall', 'src/bindings/paywall', 'src/worker'].map(sources).join('\n');
    const codes = named(text, /"([a-z]+(?:_[a-z]+)+)"|\bcode: '([a-z_]+)'|errorReason: '([a-z_]+)'/g).filter((code) => !others.test(code));
    assert.deepEqual(missing(codes, 70), []);
  });

  test('each code of the sandbox\'s own is in it', () => {
    assert.deepEqual(missing(named(sources('sandbox/src'), /"(SANDBOX\.[A-Z_]+)"/g), 10), []);
  });

  test('each that is in it is made somewhere', () => {
    const text = ['src/bindings', 'src/subscriber', 'src/api', 'src/paywall', 'src/bindings/paywall', 'src/worker', 'sandbox/src', 'pkg-template'].map(sources).join('\n');
    assert.deepEqual(headings.filter((code) => !new RegExp(`["'\`]${code.replace('.', '\\.')}["'\`]`).test(text)), []);
  });

  test('docsUrl of an error leads to its heading, in the package that it came with', async () => {
    const { PaywallError } = await import('../../target/dist/subscriber/paywall.js');
    const client = thrown(() => Payments.getInstance({ ...BASE, polcy: {} }));
    const selling = thrown(() => Seller.getInstance({ ...BASE, polcy: {} }));
    const gated = new PaywallError('no', { code: 'facilitator_timeout', status: 503 });
    assert.equal(gated.hint, 'send the request again after retry-after');
    assert.equal(new PaywallError('no', { code: 'payment_missing', status: 402 }).hint, 'see docsUrl');
    for (const error of [client, selling, gated, new PaywallError('no', { code: 'wasm_load_failed' })]) {
      const { origin, pathname, hash } = new URL(error.docsUrl);
      assert.deepEqual([origin, pathname], ['https://unpkg.com', '/payments-wasm/docs/errors.md']);
      assert.equal(hash, `#${error.code}`);
      assert.ok(readFileSync(repoPath('target/dist/subscriber/docs/errors.md'), 'utf8').includes(`\n### ${error.code}\n`), error.code);
    }
    assert.equal(new URL(new PaywallError('no', { code: 'BCK.X402.0005' }).docsUrl).hash, '#codes-of-the-platform');
    assert.ok(page.includes('\n## Codes of the platform\n'));
  });
});

test('each variable that the gate\'s core reads is an option of the description', () => {
  const files = readdirSync(repoPath('src/paywall'), { recursive: true }).filter((name) => /\.rs$/.test(name) && !/tests|keys\.rs$/.test(name));
  const text = files.map((name) => readFileSync(repoPath('src/paywall', name), 'utf8')).join('\n');
  const asked = [...text.matchAll(/\b(?:text|strings|url)\("([A-Z_]+)"\)|\.(?:whole|switch)\(&keys::([A-Z_]+)\)/g)].map(([, one, other]) => one ?? other);
  const known = Object.entries(gate.options).map(([name, { variable }]) => variable ?? name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  assert.ok(new Set(asked).size >= 25, `${asked}`);
  assert.deepEqual([...new Set(asked)].filter((name) => !known.includes(name)), []);
});

test('each shape that is described is in the types', () => {
  assert.deepEqual([...publicTypes().matchAll(/^\/\/ options: (\w+)$/gm)].map(([, name]) => name).sort(), Object.keys(all).sort());
});
