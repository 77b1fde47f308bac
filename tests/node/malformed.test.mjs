// Payments and offers that are almost right: repeated parameters, names of schemes in quoted values, padding, bits and letters left over, other chains and assets, one
// payment in several spellings. Each has a typed answer, and none is paid for twice, or for something else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import * as sdk from '../../target/dist/subscriber/node.js';
import { startFacilitator } from './facilitator.mjs';
import { base64, startPlatform } from './harness.mjs';

const ORIGIN = 'http://shop.localhost';
const SHOP = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';
const [STANDARD, URL_SAFE] = ['+/', '-_'].map((last) => `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`);

let platform;
let facilitator;
let payments;
let gate;
let runs = 0;
before(async () => {
  [platform, facilitator] = await Promise.all([startPlatform(), startFacilitator()]);
  payments = await platform.buyer();
  const { planId, seller, sandbox } = platform;
  const accepts = exact({ facilitator: facilitator.url });
  delete accepts.maxTimeoutSeconds;
  gate = paywall(async () => { runs += 1; return Response.json({ page: 'paid for' }); }, {
    nvmApiKey: seller.key, environment: 'custom', backend: sandbox.url, state: 'memory', unlisted: 'deny', log: false, mpp: true, x402v1: true,
    routes: { 'GET /ask': { planId, credits: 2, accepts }, 'GET /other': { planId, credits: 2, accepts } },
  });
});
after(() => Promise.all([gate.close(), platform.stop(), facilitator.stop()]));

const exact = (more) => ({ scheme: 'exact', network: 'eip155:84532', amount: '10000', asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', payTo: SHOP, maxTimeoutSeconds: 300, extra: { name: 'USDC', version: '2' }, ...more });
const decoded = (header) => JSON.parse(Buffer.from(header, 'base64').toString());
const b64u = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const get = (path, headers) => gate(new Request(ORIGIN + path, { headers }));

/** Sends each and compares status and code; what is not 200 reaches no handler and takes nothing. */
async function each(rows, headersOf) {
  for (const [name, make, status, code] of rows) {
    const [run, spent] = [runs, facilitator.spent.length];
    const answer = await get('/ask', headersOf(await make()));
    const text = await answer.text();
    assert.deepEqual([answer.status, answer.status === 200 ? undefined : JSON.parse(text).code], [status, code], name);
    assert.equal(runs - run, status === 200 ? 1 : 0, name);
    if (status !== 200) assert.deepEqual([facilitator.spent.length, answer.headers.has('payment-required')], [spent, status === 402], name);
  }
}

/** The credential of a fresh challenge. */
async function credential(path = '/ask') {
  const challenge = sdk.parseChallengeHeader((await get(path)).headers.get('www-authenticate'));
  const { accessToken } = await payments.mpp.getMppAccessToken(platform.planId, undefined, { delegationConfig: { delegationId: await payments.own.delegation() } });
  return sdk.buildCredentialHeader(challenge, { accessToken });
}
const opened = (header) => JSON.parse(Buffer.from(header.replace(/^Payment /, ''), 'base64url').toString());
const altered = (change) => async () => {
  const document = opened(await credential());
  change(document);
  return `Payment ${b64u(document)}`;
};
/** The same with a bit more in its last letter, which belongs to no byte. */
const withBits = (text, alphabet) => text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)) | 1];
/** A document whose base64 has such bits. */
const uneven = (document, encode) => ['', 'x', 'xy'].map((source) => encode({ ...document, source })).find((text) => text.length % 4 > 1);

test('the gate: credentials of MPP', async () => {
  const request = (change) => altered(({ challenge }) => { challenge.request = change(challenge.request); });
  const members = (change) => request((text) => b64u({ ...JSON.parse(Buffer.from(text, 'base64url')), ...change }));
  await each([
    ['two credentials', async () => `${await credential()}, ${await credential()}`, 402, 'BCK.MPP.0003'],
    ['one twice', async () => credential().then((one) => `${one}, ${one}`), 402, 'BCK.MPP.0003'],
    ['the scheme in a quoted value', async () => `Bearer realm="Payment ${b64u({})}"`, 402, 'payment_missing'],
    ['a credential in a quoted value', async () => `Digest x="a, ${await credential()}"`, 402, 'payment_missing'],
    ['a credential in a quote that does not end', async () => `Digest x="a, ${await credential()}`, 402, 'payment_missing'],
    ['no space', async () => (await credential()).replace(' ', ''), 402, 'payment_missing'],
    ['the scheme alone', async () => 'Payment', 402, 'BCK.MPP.0003'],
    ['a list', async () => `Payment ${b64u('[]')}`, 402, 'BCK.MPP.0003'],
    ['deep JSON', async () => `Payment ${b64u('['.repeat(5000))}`, 402, 'BCK.MPP.0003'],
    ['20 KB', altered((document) => { document.source = 'x'.repeat(20_000); }), 402, 'BCK.MPP.0003'],
    ['an empty id', altered(({ challenge }) => { challenge.id = ''; }), 402, 'BCK.MPP.0003'],
    ['another realm', altered(({ challenge }) => { challenge.realm = 'x"y'; }), 402, 'BCK.MPP.0003'],
    ['another method', altered(({ challenge }) => { challenge.method = 'Nevermined'; }), 402, 'BCK.MPP.0003'],
    ['another intent', altered(({ challenge }) => { challenge.intent = 'session'; }), 402, 'BCK.MPP.0003'],
    ['a request with padding', request((text) => `${text}==`), 402, 'BCK.MPP.0003'],
    ['a request with a letter more', request((text) => `${text}A`), 402, 'BCK.MPP.0003'],
    ['another plan', members({ planId: '999' }), 402, 'BCK.MPP.0003'],
    ['another price', members({ credits: '1' }), 402, 'BCK.MPP.0004'],
    ['a price twice', request((text) => b64u(Buffer.from(text, 'base64url').toString().replace('{', '{"credits":"1",'))), 402, 'BCK.MPP.0003'],
    ['a later end', altered(({ challenge }) => { challenge.expires = '2099-01-01T00:00:00Z'; }), 402, 'BCK.MPP.0003'],
    ['an end without a zone', altered(({ challenge }) => { challenge.expires = '2099-01-01T00:00:00'; }), 402, 'BCK.MPP.0003'],
    ['an end that is a number', altered(({ challenge }) => { challenge.expires = 4e9; }), 402, 'BCK.MPP.0003'],
    ['a digest', altered(({ challenge }) => { challenge.digest = 'sha-256=:AAAA:'; }), 402, 'BCK.MPP.0005'],
    ['a payload that is a text', altered((document) => { document.payload = document.payload.accessToken; }), 402, 'BCK.MPP.0003'],
    ['a token with a tail', altered(({ payload }) => { payload.accessToken += '.x'; }), 402, 'BCK.MPP.0003'],
    // A credential is what it decodes to.
    ['small letters and two spaces', async () => (await credential()).replace('Payment ', 'payment  '), 200],
    ['bits left over', async () => `Payment ${withBits(uneven(opened(await credential()), b64u), URL_SAFE)}`, 200],
  ], (authorization) => ({ authorization }));
  const one = await credential();
  const statuses = [];
  for (const [path, value] of [['/other', one], ['/ask?x', one], ['/ask', one], ['/ask', `${one}=`], ['/ask', `Payment ${withBits(uneven(opened(one), b64u), URL_SAFE)}`]]) statuses.push((await get(path, { authorization: value })).status);
  assert.deepEqual(statuses, [402, 402, 200, 402, 402], 'one credential, other routes and other spellings');
});

/** A payment of an amount as a document, signed by hand. */
async function signed(change = () => {}, { value = '10000', signer = privateKeyToAccount(generatePrivateKey()) } = {}) {
  const { x402Version, resource, accepts } = decoded((await get('/ask')).headers.get('payment-required'));
  const accepted = accepts.find(({ scheme }) => scheme === 'exact');
  const nonce = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}`;
  const authorization = { from: signer.address, to: accepted.payTo, value, validAfter: '0', validBefore: String(Math.floor(Date.now() / 1000) + 300), nonce };
  const types = Object.entries({ from: 'address', to: 'address', value: 'uint256', validAfter: 'uint256', validBefore: 'uint256', nonce: 'bytes32' }).map(([name, type]) => ({ name, type }));
  const signature = await signer.signTypedData({
    primaryType: 'TransferWithAuthorization', types: { TransferWithAuthorization: types }, message: authorization, domain: { name: 'USDC', version: '2', chainId: 84_532, verifyingContract: accepted.asset },
  });
  const document = { x402Version, resource, accepted, payload: { signature, authorization } };
  change(document);
  return document;
}
const version1 = ({ payload }, more = {}) => base64({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload, ...more });

test('the gate: payments of amounts', async () => {
  const accepted = (change) => async () => base64(await signed((document) => Object.assign(document.accepted, change)));
  const authorization = (change) => async () => base64(await signed(({ payload }) => Object.assign(payload.authorization, change)));
  const text = (change, options) => async () => base64(change(JSON.stringify(await signed(undefined, options))));
  await each([
    ['padding within', async () => base64(await signed()).replace(/^.{8}/, '$&=='), 402, 'payment_malformed'],
    ['two payments', async () => `${base64(await signed())}, ${base64(await signed())}`, 402, 'payment_malformed'],
    ['a quoted one', async () => `"${base64(await signed())}"`, 402, 'payment_malformed'],
    ...['eip155:084532', 'EIP155:84532', 'eip155:84532 ', 'base-sepolia', 84_532, 'eip155:8453', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'].map((network) => [`the network ${network}`, accepted({ network }), 402, 'payment_for_another_plan']),
    ['no asset', accepted({ asset: null }), 402, 'payment_for_another_plan'], ['an asset with a tail', accepted({ asset: `${SHOP}0` }), 402, 'payment_for_another_plan'],
    ['a scheme in capitals', accepted({ scheme: 'EXACT' }), 402, 'payment_for_another_plan'], ['a list of schemes', accepted({ scheme: ['exact'] }), 402, 'payment_malformed'],
    ...['0x2710', ' 10000', 10_000, '+10000', '1e4'].map((value) => [`the value ${value}`, authorization({ value }), 402, 'payment_malformed']),
    ['a value with zeros', authorization({ value: '0010000' }), 402, 'payment_refused'], ['an end of 80 digits', authorization({ validBefore: '9'.repeat(80) }), 402, 'payment_refused'],
    ['a value twice, the signed one first', text((json) => json.replace('"value":"1"', '"value":"1","value":"10000"'), { value: '1' }), 402, 'payment_refused'],
    ['terms twice', text((json) => json.replace('"accepted"', '"accepted":{"scheme":"upto"},"accepted"'), { value: '1' }), 402, 'payment_refused'],
    ['a version that is a text', async () => base64(await signed((document) => { document.x402Version = '2'; })), 402, 'payment_malformed'],
    ['version 2.5', text((json) => json.replace('"x402Version":2', '"x402Version":2.5')), 402, 'payment_malformed'],
    ['a byte order mark', text((json) => `\uFEFF${json}`), 402, 'payment_malformed'], ['JSON and more', text((json) => `${json} {}`), 402, 'payment_malformed'], ['JSON and a NUL', text((json) => `${json}\0`), 402, 'payment_malformed'],
    ['no UTF-8', async () => Buffer.concat([Buffer.from(`${JSON.stringify(await signed()).slice(0, -1)},"x":"`), Buffer.from([0xff]), Buffer.from('"}')]).toString('base64'), 402, 'payment_malformed'],
    ['20 KB', async () => base64(await signed((document) => { document.x = 'y'.repeat(20_000); })), 400, 'payment_too_large'],
    ['a list of signatures', async () => base64(await signed(({ payload }) => { payload.signature = [payload.signature]; })), 402, 'payment_malformed'],
    ['bits left over', async () => withBits(uneven(await signed(), (value) => base64(value).replace(/=+$/, '')), STANDARD), 200], ['the other alphabet', async () => b64u(await signed()), 200],
  ], (header) => ({ 'payment-signature': header }));
  await each([
    ['version 2', async () => base64(await signed()), 402, 'payment_for_another_plan'], ['another scheme', async () => version1(await signed(), { scheme: 'Exact' }), 402, 'payment_for_another_plan'],
    ['another chain', async () => version1(await signed(), { network: 'base' }), 402, 'payment_for_another_plan'], ['garbage', async () => 'garbage!', 402, 'payment_malformed'], ['nothing', async () => '', 402, 'payment_malformed'],
  ], (header) => ({ 'x-payment': header }));
});

test('the gate: one authorization buys one answer, of one route and in one spelling', async () => {
  const one = await signed();
  const { payload } = one;
  const respelt = (change) => base64({ ...one, payload: { ...payload, ...change } });
  const forms = [
    ['/ask', { 'payment-signature': base64(one) }], ['/ask', { 'x-payment': version1(one) }], ['/other', { 'payment-signature': base64(one) }], ['/other', { 'x-payment': version1(one) }],
    ['/ask', { 'payment-signature': respelt({ authorization: { ...payload.authorization, from: payload.authorization.from.toLowerCase() } }) }],
    ['/ask', { 'payment-signature': respelt({ signature: `0x${payload.signature.slice(2).toUpperCase()}` }) }],
  ];
  const [run, spent] = [runs, facilitator.spent.length];
  const answers = await Promise.all(forms.map(([path, headers]) => get(path, headers)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 402, 402, 402, 402, 402]);
  for (const [path, headers] of forms) assert.equal((await get(path, headers)).status, 402);
  assert.deepEqual([runs - run, facilitator.spent.length - spent], [1, 1]);
  // Three payments at once: one of them is taken.
  const held = await payments.held();
  const all = await get('/ask', { 'payment-signature': base64(await signed()), 'x-payment': version1(await signed()), authorization: await credential() });
  assert.deepEqual([all.status, facilitator.spent.length - spent, held - await payments.held()], [200, 1, 2n]);
});

test('the buyer: challenges and offers', async () => {
  const signer = privateKeyToAccount(generatePrivateKey());
  const wallet = { address: signer.address, signTypedData: (data) => signer.signTypedData(data) };
  const buyer = await platform.buyer({ wallet });
  const offer = (...accepts) => ({ x402Version: 2, resource: { url: `${ORIGIN}/x` }, accepts, extensions: {} });
  const params = Object.fromEntries([...(await get('/ask')).headers.get('www-authenticate').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const challenge = (more = {}) => `Payment ${Object.entries({ ...params, ...more }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}="${value}"`).join(', ')}`;
  const asking = (value) => ({ 'www-authenticate': value });
  const selling = (value) => ({ 'payment-required': typeof value === 'string' ? value : base64(value) });
  const one = (more) => selling(offer(exact(more)));
  const { planId } = platform;
  for (const [name, headers, expected, body] of [
    ['an id twice', asking(challenge().replace('Payment ', 'Payment id="x", ')), 'malformed_offer'], ['a request twice', asking(`${challenge()}, request="${b64u({ planId, credits: '1' })}"`), 'malformed_offer'],
    ['a challenge in a quoted value', asking(`Bearer realm="${challenge().replaceAll('"', '\\"')}"`), 402], ['a challenge in a quote that does not end', asking(`Bearer realm="a, ${challenge().replaceAll('"', '')}`), 402],
    ['a request with padding', asking(challenge({ request: `${params.request}==` })), 'malformed_offer'], ['a request with a letter more', asking(challenge({ request: `${params.request}A` })), 'malformed_offer'],
    ['a negative price', asking(challenge({ request: b64u({ planId, credits: '-2' }) })), 'malformed_offer'], ['a price of 1e400', asking(challenge({ request: b64u(`{"planId":"${planId}","credits":1e400}`) })), 'malformed_offer'],
    ['a request that is a list', asking(challenge({ request: b64u('[]') })), 'malformed_offer'], ['no id', asking(challenge({ id: undefined })), 'malformed_offer'], ['an empty id', asking(challenge({ id: '' })), 'malformed_offer'],
    ['another method', asking(challenge({ method: 'tempo' })), 402], ['another intent', asking(challenge({ intent: 'subscription' })), 402], ['an end that is none', asking(challenge({ expires: 'soon' })), 'malformed_offer'],
    ['40 KB', asking(`${challenge()}, more="${'x'.repeat(40_000)}"`), 'malformed_offer'], ['a realm with the scheme in it', asking(challenge({ realm: 'Payment id=x, method=y' })), 'mpp'],
    ['padding within', selling(`eyJ4==${base64(offer(exact())).slice(4)}`), 'malformed_offer'], ['a quoted offer', selling(`"${base64(offer(exact()))}"`), 'malformed_offer'],
    ...['eip155:084532', 'EIP155:84532', 'base-sepolia', 'eip155:*', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'].map((network) => [`the network ${network}`, one({ network }), 'no_payable_offer']),
    ['an amount that is a number', one({ amount: 10_000 }), 'no_payable_offer'], ['an amount of 2^256', one({ amount: String(2n ** 256n) }), 'no_payable_offer'], ['an asset of Solana', one({ asset: 'So11111111111111111111111111111111111111112' }), 'no_payable_offer'],
    ['a recipient with a tail', one({ payTo: `${SHOP}00` }), 'no_payable_offer'], ['no recipient', one({ payTo: null }), 'no_payable_offer'], ['a time that is a text', one({ maxTimeoutSeconds: '60' }), 'no_payable_offer'],
    ['a version of the asset that is a number', one({ extra: { name: 'USDC', version: 2 } }), 'no_payable_offer'], ['Permit2', one({ extra: { name: 'USDC', version: '2', assetTransferMethod: 'permit2' } }), 'no_payable_offer'], ['a scheme in capitals', one({ scheme: 'Exact' }), 'no_payable_offer'],
    ['version 3', selling({ ...offer(exact()), x402Version: 3 }), 'malformed_offer'], ['a version that is a text', selling({ ...offer(exact()), x402Version: '2' }), 'malformed_offer'], ['70 entries', selling(offer(...Array.from({ length: 70 }, () => exact()))), 'malformed_offer'],
    ['entries that are no list', selling({ ...offer(), accepts: { 0: exact() } }), 'malformed_offer'], ['nothing among the entries', selling(offer(null, exact())), 'v2'], ['another resource', selling({ ...offer(exact()), resource: { url: 'https://other.example/x' } }), 'resource_mismatch'],
    ['a list of extensions', selling({ ...offer(exact()), extensions: [] }), 'no_payable_offer'], ['version 1 with amounts of version 2', { 'content-type': 'application/json' }, 'malformed_offer', JSON.stringify({ x402Version: 1, accepts: [exact()] })],
    ['half a body', { 'content-type': 'application/json' }, 'malformed_offer', '{"x402Version":1,"accepts":[{'],
  ]) {
    const sent = [];
    const shop = async (request) => {
      if (!request.url.startsWith(ORIGIN)) return fetch(request);
      const way = request.headers.has('payment-signature') ? 'v2' : request.headers.has('x-payment') ? 'v1' : /payment\s/i.test(request.headers.get('authorization') ?? '') ? 'mpp' : undefined;
      if (!way) return new Response(body ?? 'pay', { status: 402, headers });
      sent.push(way);
      return new Response('paid');
    };
    const found = await buyer.fetch(`${ORIGIN}/x`, {}, { fetch: shop, approve: () => true }).then(({ response }) => sent[0] ?? response.status, (error) => { assert.equal(error.spend.outcome, 'none', name); return error.code; });
    assert.equal(found, expected, name);
    assert.equal(sent.length, ['mpp', 'v2'].includes(expected) ? 1 : 0, name);
  }
});
