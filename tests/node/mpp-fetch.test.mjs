// `payments.mpp.fetch`: a buyer that pays an endpoint which challenges with MPP. A seller made of `payments.mpp` at the sandbox, and a scripted one for
// what a seller may do wrong.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startSandbox } from '../../scripts/lib/start.mjs';
import * as sdk from '../../target/dist/subscriber/node.js';
import { client } from '../sandbox/client.mjs';
import { startSeller } from './harness.mjs';

const { Payments, PaymentsError, MppError, OutcomeUnknown, mppSpendOf } = sdk;

let sandbox, seller, buyer, planId, delegationConfig, endpoint;
before(async () => {
  sandbox = await startSandbox();
  const at = { environment: 'custom', backend: sandbox.url };
  const selling = await client(sandbox.url).open('A seller');
  seller = Payments.getInstance({ nvmApiKey: selling.key, ...at });
  planId = await selling.plan({ credits: { maxAmount: '10' } });
  const buying = await client(sandbox.url).open('A buyer');
  await buying.order(planId);
  delegationConfig = { delegationId: await buying.delegation() };
  buyer = Payments.getInstance({ nvmApiKey: buying.key, ...at });
  endpoint = await startSeller(async ({ method, url, headers, body }, response) => {
    const bound = { resource: url, httpVerb: method };
    const credential = sdk.extractPaymentScheme(headers.authorization ?? '');
    const challenge = async (code) => {
      const { challenge: header } = await seller.mpp.issueChallenge({ planId, credits: 2n, ...bound });
      response.writeHead(402, { 'www-authenticate': header }).end(JSON.stringify({ error: 'Payment Required', ...(code && { code }) }));
    };
    if (!credential) return challenge();
    try {
      const { paymentReceipt } = await seller.mpp.settleCredential({ credential, ...bound });
      response.writeHead(200, { 'payment-receipt': paymentReceipt }).end(`paid: ${body}, ${headers.authorization.split(', ').slice(1)}`);
    } catch (error) {
      await challenge(error.code);
    }
  });
});
after(async () => {
  await endpoint?.stop();
  await sandbox?.stop();
});

const held = async () => (await buyer.plans.getPlanBalance(planId)).balance;

test('a challenge is paid, the body goes again, and the caller\'s own Authorization stays behind the credential', async () => {
  const before = await held();
  const init = { method: 'POST', body: 'a question', headers: { authorization: 'Bearer of-the-seller' } };
  const { response, receipt, settled, paid, credentialsPresented, creditsPresented } = await buyer.mpp.fetch(`${endpoint.url}/ask`, init, { delegationConfig, planId, maxCredits: 2 });
  assert.deepEqual([response.status, await response.text()], [200, 'paid: a question, Bearer of-the-seller']);
  assert.deepEqual([settled, paid, credentialsPresented, creditsPresented, receipt.status], [true, true, 1, '2', 'success']);
  assert.equal(before - await held(), 2n);
});

test('an answer that asks for nothing comes back as it is', async () => {
  const open = await startSeller((request, response) => response.end(`free: ${request.body}`));
  const body = new Blob(['flows']).stream();
  const result = await buyer.mpp.fetch(open.url, { method: 'POST', body, duplex: 'half' }, { delegationConfig });
  assert.deepEqual([await result.response.text(), result.paid, result.settled, result.credentialsPresented, result.creditsPresented], ['free: flows', false, false, 0, undefined]);
  await open.stop();
});

test('what the caller allows is looked at before anything is minted', async () => {
  const before = await held();
  const url = `${endpoint.url}/ask`;
  // More than is kept for a second sending: it is not sent at all.
  const stream = { method: 'POST', body: new Blob([new Uint8Array(1024 * 1024 + 1)]).stream(), duplex: 'half' };
  const asked = endpoint.requests.filter(({ method }) => method === 'POST').length;
  for (const [init, options, code] of [
    [undefined, { planId: '1' }, 'validation'], [undefined, { maxCredits: 1n }, 'budget_exceeded'], [stream, {}, 'body_not_replayable'],
    [undefined, { delegationConfig: undefined }, 'validation'], [undefined, { maxCredits: 1.5 }, 'validation'], [undefined, { maxcredits: 1 }, 'validation'],
  ]) {
    const error = await buyer.mpp.fetch(url, init, { delegationConfig, ...options }).catch((error) => error);
    assert.deepEqual([error.code, error instanceof PaymentsError, error instanceof MppError, mppSpendOf(error)], [code, true, false, undefined], error.message);
  }
  assert.equal(await held(), before);
  assert.equal(endpoint.requests.filter(({ method }) => method === 'POST').length, asked);
});

/** A challenge as a seller writes it. */
const challengeOf = (id, { credits = '2', plan = planId } = {}) =>
  `Payment id="${id}", realm="r", method="nevermined", intent="charge", request="${Buffer.from(JSON.stringify({ planId: plan, credits })).toString('base64url')}"`;
const receipt = (status) => Buffer.from(JSON.stringify({ method: 'nevermined', reference: '0x1', status, timestamp: '2026-01-01T00:00:00Z' })).toString('base64url');

/** The token in a credential. */
const tokenOf = (credential) => JSON.parse(Buffer.from(credential.split(' ')[1], 'base64url')).payload.accessToken;

describe('a seller that does not keep to it', () => {
  /** Answers one after the other: `[status, headers, body]`, or `null` for a connection that breaks. */
  const played = async (answers, options = {}) => {
    const left = [...answers];
    const scripted = await startSeller((request, response) => {
      const answer = left.shift();
      if (answer === null) return response.destroy();
      const [status, headers = {}, body = ''] = answer;
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    try {
      return { result: await buyer.mpp.fetch(scripted.url, {}, { delegationConfig, ...options }), requests: scripted.requests };
    } catch (error) {
      return { error, requests: scripted.requests };
    } finally {
      await scripted.stop();
    }
  };
  const asks = (id, body = {}, terms) => [402, { 'www-authenticate': challengeOf(id, terms) }, body];

  for (const [name, second, code, type] of [
    ['the credential is refused', () => asks('b', { code: 'BCK.MPP.0003', message: 'no' }), 'BCK.MPP.0003', sdk.MppCredentialRejectedError],
    ['MPP is switched off', () => asks('b', { code: 'BCK.MPP.0002' }), 'BCK.MPP.0002', sdk.MppNotConfiguredError],
    ['the same challenge comes again', () => asks('a'), undefined, MppError],
    ['a page of HTML comes', () => [402, { 'www-authenticate': challengeOf('b') }, '<html>no</html>'], undefined, MppError],
    ['a 402 without a challenge', () => [402, {}, {}], undefined, MppError],
  ]) {
    test(`${name}: the call ends, and says what was presented`, async () => {
      const { error, requests } = await played([asks('a'), second()]);
      assert.ok(error instanceof type && error instanceof MppError && error instanceof PaymentsError, error?.stack);
      assert.deepEqual([error.code, requests.length], [code, 2]);
      assert.deepEqual(mppSpendOf(error), { credentialsPresented: 1, creditsPresented: '2', challengeId: 'a' });
    });
  }

  for (const [name, told] of [
    ['the credential', (sent) => sent], ['a part of it', (sent) => sent.slice(40, 90)], ['the token', (sent) => tokenOf(sent)], ['its end', (sent) => tokenOf(sent).slice(-30)],
    ['the token in capitals', (sent) => tokenOf(sent).toUpperCase()], ['the signature of the token', (sent) => Buffer.from(tokenOf(sent), 'base64').toString().match(/0x[0-9a-f]{100,}/)[0]],
  ]) {
    for (const [kind, body] of [['JSON', (text) => JSON.stringify({ code: 'BCK.MPP.0003', message: text })], ['a page', (text) => text]]) {
      test(`a refusal that prints ${name} in ${kind}: the error does not`, async (t) => {
        const scripted = await startSeller(({ headers: { authorization } }, response) => {
          response.writeHead(402, { 'www-authenticate': challengeOf('a') }).end(authorization && body(`no: ${told(authorization)}`));
        });
        t.after(() => scripted.stop());
        const { message } = await buyer.mpp.fetch(scripted.url, {}, { delegationConfig }).catch((error) => error);
        assert.equal(message, `${scripted.url} refused the credential`);
      });
    }
  }

  test('a refusal in other words is told', async () => {
    const { error } = await played([asks('a'), asks('b', { code: 'BCK.MPP.0003', message: `no credits of plan ${planId}` })]);
    assert.match(error.message, new RegExp(` refused the credential: no credits of plan ${planId}$`));
  });

  for (const [name, second] of [
    ['expired', () => asks('b', { code: 'BCK.MPP.0004' })], ['for another body', () => asks('b', { code: 'BCK.MPP.0005' })], ['replaced without a code', () => asks('b')],
    ['replaced, with an empty body', () => [402, { 'www-authenticate': challengeOf('b') }, '']], ['replaced, with a code that is null', () => asks('b', { code: null })],
  ]) {
    test(`a challenge that is ${name} is answered once more, with another credential`, async () => {
      const { result, error, requests } = await played([asks('a'), second(), [200, { 'payment-receipt': receipt('success') }]]);
      assert.equal(error, undefined);
      assert.deepEqual([result.paid, result.credentialsPresented, result.creditsPresented, requests.length], [true, 2, '4', 3]);
      assert.notEqual(requests[1].headers.authorization, requests[2].headers.authorization);
    });
  }

  test('two challenges are answered and no third', async () => {
    const { result, error, requests } = await played([asks('a'), asks('b'), asks('c'), [200]]);
    assert.equal(requests.length, 3);
    assert.equal(error, undefined);
    assert.deepEqual([result.response.status, result.paid, result.credentialsPresented], [402, false, 2]);
  });

  test('maxCredits is for the whole call: a second challenge may not bring it above', async () => {
    const { error, requests } = await played([asks('a'), asks('b')], { maxCredits: 3 });
    assert.deepEqual([error.code, requests.length, mppSpendOf(error)], ['budget_exceeded', 2, { credentialsPresented: 1, creditsPresented: '2', challengeId: 'a' }]);
  });

  test('a connection that breaks before any credential is an error of the network, after one the outcome is unknown', async () => {
    const plain = await played([null]);
    assert.ok(plain.error instanceof TypeError && mppSpendOf(plain.error) === undefined);
    const { error } = await played([asks('a'), null]);
    assert.ok(error instanceof sdk.MppSpendOutcomeUnknownError && error instanceof OutcomeUnknown && error.cause instanceof TypeError);
    assert.deepEqual([error.code, error.retryable, mppSpendOf(error).credentialsPresented], [sdk.MPP_SPEND_OUTCOME_UNKNOWN_CODE, false, 1]);
  });

  for (const [name, headers, status, settled, paid] of [
    ['no receipt', {}, 200, false, false], ['a broken receipt', { 'payment-receipt': '!!' }, 200, false, false],
    ['a receipt of a failure', { 'payment-receipt': receipt('Failed') }, 200, false, false], ['a receipt in other words', { 'payment-receipt': receipt('completed') }, 200, true, true],
    ['a receipt, and an error', { 'payment-receipt': receipt('success') }, 500, true, false],
  ]) {
    test(`${name}: settled ${settled}, paid ${paid}`, async (t) => {
      t.mock.method(console, 'warn', () => {});
      const { result } = await played([asks('a'), [status, headers]]);
      assert.deepEqual([result.settled, result.paid, result.credentialsPresented], [settled, paid, 1]);
    });
  }

  test('a challenge that is broken ends the call, and one of another scheme is no challenge', async () => {
    const twice = await played([[402, { 'www-authenticate': `${challengeOf('a')}, intent="charge"` }]]);
    assert.deepEqual([twice.error.code, twice.error instanceof MppError, twice.requests.length], ['mpp_malformed', true, 1]);
    const other = await played([[402, { 'www-authenticate': 'Bearer realm="x"' }, 'other']]);
    assert.deepEqual([other.result.response.status, other.result.credentialsPresented], [402, 0]);
  });
});

describe('a credential goes nowhere that nobody agreed to', () => {
  test('an instance with a policy does not pay: nothing of it would be counted', async () => {
    const limited = Payments.getInstance({ nvmApiKey: buyer.options.plans.session.key.text, environment: 'custom', backend: sandbox.url, policy: { origins: ['*'], maxCreditsTotal: 1 } });
    const before = endpoint.requests.length;
    const error = await limited.mpp.fetch(`${endpoint.url}/ask`, {}, { delegationConfig }).catch((one) => one);
    assert.deepEqual([error.code, error.spend], ['consent_required', undefined]);
    assert.deepEqual(endpoint.requests.slice(before).map(({ headers }) => headers.authorization), [undefined]);
  });

  test('a challenge of another origin, after a redirect, is answered at neither', async (t) => {
    const first = await startSeller((request, response) => response.writeHead(302, { location: `${endpoint.url}/ask` }).end());
    t.after(() => first.stop());
    const before = endpoint.requests.length;
    const error = await buyer.mpp.fetch(`${first.url}/a`, {}, { delegationConfig }).catch((one) => one);
    assert.deepEqual([error.code, error.spend], ['ambiguous_redirect', undefined]);
    assert.deepEqual([...first.requests, ...endpoint.requests.slice(before)].map(({ headers }) => headers.authorization), [undefined, undefined]);
  });

  for (const [url, goes] of [
    ['http://api.example/x', false], ['http://127.0.0.1.example/x', false], ['http://localhost.example/x', false], ['http://notlocalhost/x', false], ['http://[::2]/x', false],
    ['https://api.example/x', true], ['http://a.localhost/x', true], ['http://127.0.0.2:8080/x', true], ['http://[::1]:8080/x', true],
  ]) {
    test(`${url} ${goes ? 'gets' : 'does not get'} one`, async () => {
      const sent = [];
      const fetch = async (request) => {
        if (request.url.startsWith(sandbox.url)) return globalThis.fetch(request);
        sent.push(request.headers.get('authorization'));
        const { challenge } = await seller.mpp.issueChallenge({ planId, credits: 1, resource: request.url, httpVerb: 'GET' });
        return sent.length === 1 ? new Response('', { status: 402, headers: { 'www-authenticate': challenge } }) : new Response('ok');
      };
      const by = Payments.getInstance({ nvmApiKey: buyer.options.plans.session.key.text, environment: 'custom', backend: sandbox.url, fetch });
      const result = await by.mpp.fetch(url, {}, { delegationConfig }).catch((one) => one);
      assert.deepEqual([result.code, sent.length, /^Payment /.test(sent[1])], goes ? [undefined, 2, true] : ['insecure_target', 1, false]);
    });
  }
});

test('the errors of the seller\'s calls are of MPP\'s classes too', async () => {
  const off = await startSandbox();
  await client(off.url).post('/sandbox/settings', { mpp: false });
  const { key } = await client(off.url).open('A seller');
  const without = Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: off.url });
  const error = await without.mpp.issueChallenge({ planId: '1', credits: 1, resource: '/', httpVerb: 'GET' }).catch((error) => error);
  assert.ok(error instanceof sdk.MppNotConfiguredError && error instanceof PaymentsError);
  assert.deepEqual([error.code, error.status, typeof error.correlationId], ['BCK.MPP.0002', 501, 'string']);
  await off.stop();
  const silent = Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: 'http://127.0.0.1:9', fetch: () => Promise.reject(new TypeError('fetch failed')) });
  const unknown = await silent.mpp.settleCredential({ credential: 'Payment x', resource: '/', httpVerb: 'GET' }).catch((error) => error);
  assert.ok(unknown instanceof sdk.MppSettlementOutcomeUnknownError && unknown instanceof OutcomeUnknown);
  assert.equal(unknown.code, sdk.MPP_SETTLEMENT_OUTCOME_UNKNOWN_CODE);
});

test('the class of each code', () => {
  const classes = { 'BCK.MPP.0004': sdk.MppChallengeExpiredError, 'BCK.MPP.0005': sdk.MppBodyDigestMismatchError, 'BCK.MPP.0003': sdk.MppCredentialRejectedError };
  for (const type of Object.values(classes)) assert.ok(type.prototype instanceof MppError && type.prototype instanceof PaymentsError && !(type.prototype instanceof OutcomeUnknown));
});

test('which codes may be tried again, and credits in one form', () => {
  assert.deepEqual(['BCK.MPP.0004', 'BCK.MPP.0005', 'BCK.MPP.0003', 'BCK.MPP.0002', undefined].map(sdk.isRetryableMppCode), [true, true, false, false, false]);
  assert.deepEqual([5, 5n, '5', '005', 0].map(sdk.normalizeCredits), ['5', '5', '5', '5', '0']);
  for (const wrong of [-1, 1.5, '1.5', '', '1e3', NaN, 2 ** 60, null, undefined, {}]) assert.throws(() => sdk.normalizeCredits(wrong), { code: 'validation' });
  for (const nothing of [undefined, null, new Error('x'), { spend: {} }, { spend: { credentialsPresented: 0 } }]) assert.equal(mppSpendOf(nothing), undefined);
});
