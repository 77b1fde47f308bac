// The x402 clients that others use, as published: @x402/core, @x402/fetch, @x402/evm. What they read of our offer, what
// stops them, and that one which is told of Nevermined's scheme pays. The platform is the sandbox.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { x402Client, x402HTTPClient } from '@x402/core/client';
import { parsePaymentRequired } from '@x402/core/schemas';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { decodePaymentResponseHeader, wrapFetchWithPayment, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { startImplementation } from '../library/implementations.mjs';
import { BY_CARD, client as account, decode } from '../sandbox/client.mjs';
import { readHeader, startOrigin } from './harness.mjs';

const PAGE = 'https://app.example';
const QUESTION = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"question":"why?"}' };
/** Members of a payment option that x402 v2 requires and Nevermined's offers lack. */
const MISSING = ['amount', 'asset', 'maxTimeoutSeconds', 'payTo'];

let sandbox;
let planId;
let cardPlan;
let origin;
let paywall;
let buyer;
before(async () => {
  [sandbox, origin] = await Promise.all([startSandbox(), startOrigin()]);
  const seller = await account(sandbox.url).open('A seller');
  planId = await seller.plan();
  cardPlan = await seller.plan(BY_CARD);
  const routes = {
    'POST /ask': { planId, credits: 2, description: 'An answer', mimeType: 'application/json' },
    'GET /card': { planId: cardPlan, credits: 1 },
    'GET /either': { plans: [{ planId: cardPlan }, { planId }], credits: 1 },
    'GET /free': { planId, credits: 0 },
    'GET /dear': { planId, credits: 5 },
  };
  paywall = await startImplementation({ origin: origin.url, api: sandbox.url, key: seller.key, routes: { routes, unlisted: 'deny', allowedOrigins: [PAGE] } });
});
beforeEach(async () => {
  buyer = await account(sandbox.url).open('A buyer');
  await buyer.order(planId);
  origin.reset();
  await buyer.del('/sandbox/calls');
});
after(() => Promise.all([paywall?.stop(), origin?.stop(), sandbox?.stop()]));

/**
 * Nevermined's scheme for a client of x402: the platform mints for what the offer says, and the client sends what was minted.
 * Such a client adds the offer's `resource` to its payment. A single-use token names it too; any other does not, and has to
 * be sent as it was minted.
 */
class Nevermined {
  scheme = 'nvm:erc4337';
  asked = [];

  constructor({ change = (payload) => payload, singleUse = false } = {}) {
    this.change = change;
    this.schemeHooks = {
      onBeforePaymentCreation: async ({ paymentRequired }) => { this.bound = singleUse ? { resource: paymentRequired.resource, tokenVersion: 3 } : {}; },
      onAfterPaymentCreation: async ({ paymentPayload }) => { if (!singleUse) delete paymentPayload.resource; },
    };
  }

  async createPaymentPayload(x402Version, requirements) {
    this.asked.push(requirements);
    const { payload } = decode(await buyer.token(requirements.planId, { extra: requirements.extra, ...this.bound }));
    return { x402Version, payload: this.change(payload) };
  }
}

/** A client as its README makes one, for dollars on an EVM chain. */
const forDollars = () => new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(`0x${'11'.repeat(32)}`)));
const url = (path) => paywall.url + path;
const issues = ({ error }) => error.issues.map(({ path }) => path.join('.')).sort();
const platformWasAsked = async (what) => (await buyer.get('/sandbox/calls')).json.filter(({ path }) => path.endsWith(`/x402/${what}`)).length;
async function nothingSpent() {
  assert.deepEqual([await platformWasAsked('permissions'), await platformWasAsked('verify'), await platformWasAsked('settle')], [0, 0, 0]);
  assert.deepEqual([origin.calls.length, await buyer.balance(planId)], [0, '100']);
}

test('@x402/core reads the header, field by field, and knows the answer for an offer', async () => {
  const http = new x402HTTPClient(new x402Client());
  const response = await fetch(url('/ask'), QUESTION);
  const offer = http.getPaymentRequiredResponse((name) => response.headers.get(name));
  assert.deepEqual(offer, {
    x402Version: 2,
    resource: { url: url('/ask'), description: 'An answer', mimeType: 'application/json' },
    accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId, extra: { version: '1', httpVerb: 'POST', credits: '2' } }],
    extensions: {},
  });
  const read = await http.processResponse(response);
  assert.deepEqual([read.status, read.paymentStatus], [402, 'payment_required']);
  assert.deepEqual(read.header, offer);
  // The body says the same: an offer, and an error in words.
  const { error, code, message, ...rest } = read.body;
  assert.deepEqual([rest, error, code, typeof message], [offer, 'Payment Required', 'payment_missing', 'string']);
});

test('the schema of @x402/core: which fields stop it, and that nothing else does', async () => {
  for (const [path, more] of [['/ask', []], ['/card', ['network']]]) {
    const offer = readHeader((await fetch(url(path), path === '/ask' ? QUESTION : {})).headers.get('payment-required'));
    const read = parsePaymentRequired(offer);
    assert.equal(read.success, false);
    assert.deepEqual(issues(read), [...MISSING, ...more].map((name) => `accepts.0.${name}`).sort(), path);
    const filled = { amount: '2', asset: 'credits', payTo: '0xa1', maxTimeoutSeconds: 60, ...(more.length > 0 && { network: 'stripe:card' }) };
    const whole = parsePaymentRequired({ ...offer, accepts: offer.accepts.map((one) => ({ ...one, ...filled })) });
    assert.deepEqual(whole.error?.issues ?? [], []);
  }
});

test('@x402/fetch pays with a scheme that mints at the platform, and reads the receipt', async () => {
  const scheme = new Nevermined();
  const heard = [];
  const client = new x402Client().register('eip155:84532', scheme).setSpendControls(false);
  client.onPaymentResponse(({ settleResponse }) => { heard.push(settleResponse); });
  const response = await wrapFetchWithPayment(fetch, client)(url('/ask'), QUESTION);
  assert.equal(response.status, 200);
  const receipt = decodePaymentResponseHeader(response.headers.get('payment-response'));
  assert.deepEqual([receipt.success, receipt.payer, receipt.network, receipt.creditsRedeemed, receipt.remainingBalance], [true, buyer.address, 'eip155:84532', '2', '98']);
  assert.match(receipt.transaction, /^0x/);
  assert.deepEqual(heard, [receipt]);
  const read = await new x402HTTPClient(client).processResponse(response);
  assert.deepEqual([read.paymentStatus, read.body.body, read.body.secret], ['settled', QUESTION.body, 'worth paying for']);
  assert.deepEqual(scheme.asked.map((asked) => [asked.planId, asked.extra.credits]), [[planId, '2']]);
  assert.deepEqual([origin.calls.length, await buyer.balance(planId)], [1, '98']);
  assert.equal(origin.calls[0].headers['payment-signature'], undefined);
});

test('@x402/fetch pays with single-use tokens: each request has one of its own', async () => {
  const client = new x402Client().register('eip155:84532', new Nevermined({ singleUse: true })).setSpendControls(false);
  const paying = wrapFetchWithPayment(fetch, client);
  assert.deepEqual([(await paying(url('/ask'), QUESTION)).status, (await paying(url('/dear'))).status], [200, 200]);
  assert.deepEqual([await platformWasAsked('permissions'), await platformWasAsked('settle'), await buyer.balance(planId)], [2, 2, '93']);
});

test('a free route is verified, and its receipt read too', async () => {
  const client = new x402Client().register('eip155:84532', new Nevermined()).setSpendControls(false);
  const response = await wrapFetchWithPayment(fetch, client)(url('/free'));
  const { success, transaction, creditsRedeemed } = decodePaymentResponseHeader(response.headers.get('payment-response'));
  assert.deepEqual([response.status, success, transaction, creditsRedeemed], [200, true, '', '0']);
  assert.equal(await buyer.balance(planId), '100');
});

test('of several ways to pay @x402/fetch takes the one that it has a scheme for', async () => {
  const scheme = new Nevermined();
  const client = new x402Client().register('eip155:*', scheme).setSpendControls(false);
  const response = await wrapFetchWithPayment(fetch, client)(url('/either'));
  assert.deepEqual([response.status, scheme.asked.map((asked) => asked.planId), await buyer.balance(planId)], [200, [planId], '99']);
});

for (const [what, controls, said] of [
  ['as it comes', undefined, /All payment requirements were rejected by spendControls: only default assets/],
  ['with any asset allowed', { allowedAssets: true }, undefined],
]) {
  test(`the spend controls of @x402/fetch, ${what}: ${said ? 'no asset is named, so it refuses and spends nothing' : 'it pays'}`, async () => {
    const scheme = new Nevermined();
    const config = { schemes: [{ network: 'eip155:84532', client: scheme }], ...(controls && { spendControls: controls }) };
    const paying = wrapFetchWithPaymentFromConfig(fetch, config)(url('/ask'), QUESTION);
    if (!said) return assert.equal((await paying).status, 200);
    await assert.rejects(paying, said);
    assert.deepEqual(scheme.asked, []);
    await nothingSpent();
  });
}

for (const [what, client, said] of [
  ['for dollars', forDollars, /No network\/scheme registered for x402 version: 2 which comply with the payment requirements.*"scheme":"nvm:/],
  ['of version 1', () => new x402Client().registerV1('base-sepolia', new ExactEvmScheme(privateKeyToAccount(`0x${'11'.repeat(32)}`))), /No client registered for x402 version: 2/],
  ['that knows no scheme', () => new x402Client(), /No client registered for x402 version: 2/],
]) {
  for (const path of ['/ask', '/card', '/either']) {
    test(`a stock client ${what} says so itself, and spends nothing: ${path}`, async () => {
      await assert.rejects(wrapFetchWithPayment(fetch, client())(url(path), path === '/ask' ? QUESTION : {}), said);
      await nothingSpent();
    });
  }
}

test('a payment that is refused: the client gets the 402 with its reason, and asks once', async () => {
  const spoilt = new Nevermined({ change: (payload) => ({ ...payload, signature: `0x${'00'.repeat(65)}` }) });
  const client = new x402Client().register('eip155:84532', spoilt).setSpendControls(false);
  const response = await wrapFetchWithPayment(fetch, client)(url('/ask'), QUESTION);
  const http = new x402HTTPClient(client);
  const read = await http.processResponse(response);
  assert.deepEqual([read.status, read.paymentStatus, read.header.errorReason, read.body.code], [402, 'settle_failed', 'BCK.X402.0005', 'BCK.X402.0005']);
  assert.equal(http.getPaymentRequiredResponse((name) => response.headers.get(name)).accepts[0].planId, planId, 'the offer is there too');
  assert.deepEqual([spoilt.asked.length, await platformWasAsked('verify'), await platformWasAsked('settle'), origin.calls.length, await buyer.balance(planId)], [1, 1, 0, 0, '100']);
});

test('in a page: what @x402/fetch sends beside its payment may be sent across origins, and what it reads may be read', async () => {
  // It sends a header of answers with its request, so a browser asks whether it may.
  let sent;
  const noting = async (request) => {
    if (request.headers.has('payment-signature')) sent = [...request.headers.keys()].filter((name) => name !== 'content-type').sort();
    return fetch(request);
  };
  const client = new x402Client().register('eip155:84532', new Nevermined()).setSpendControls(false);
  const response = await wrapFetchWithPayment(noting, client)(url('/ask'), { ...QUESTION, headers: { ...QUESTION.headers, origin: PAGE } });
  assert.equal(response.status, 200);
  const preflight = await fetch(url('/ask'), {
    method: 'OPTIONS', headers: { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': [...sent, 'content-type'].sort().join(',') },
  });
  const list = (name, from) => (from.headers.get(name) ?? '').toLowerCase().split(/\s*,\s*/);
  assert.equal(preflight.status, 204);
  assert.deepEqual([...sent, 'content-type'].filter((name) => name !== 'origin' && !list('access-control-allow-headers', preflight).includes(name)), []);
  const bare = await fetch(url('/ask'), { ...QUESTION, headers: { ...QUESTION.headers, origin: PAGE } });
  for (const name of ['payment-required', 'payment-response']) assert.ok(list('access-control-expose-headers', bare).includes(name), name);
});
