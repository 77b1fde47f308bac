// Others can check signatures: tokens with EIP-712, card tokens with the published keys.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSandbox } from './start.mjs';
import { BY_CARD, client, decode, offer } from './client.mjs';

const part = (jwt, index) => JSON.parse(Buffer.from(jwt.split('.')[index], 'base64url'));
const sound = (jwt, jwk) => {
  const at = jwt.lastIndexOf('.');
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  return verify('sha256', jwt.slice(0, at), key, Buffer.from(jwt.slice(at + 1), 'base64url'));
};

test('tokens are signed by the account, card tokens by the sandbox, and both still after a restart', async () => {
  const data = await mkdtemp(join(tmpdir(), 'sandbox-'));
  try {
    let sandbox = await startSandbox({ data });
    let anyone = client(sandbox.url);
    const [seller, ada] = [await anyone.open('Seller'), await anyone.open('Ada')];
    const plan = await seller.plan();
    const mint = async (route, body) => (await ada.post(`/api/v1/${route}/permissions`, body)).json;
    const body = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId: await ada.delegation() } };
    const minted = {
      2: await mint('x402', body),
      3: await mint('x402', { ...body, tokenVersion: 3, resource: { url: '/ask' }, accepted: { ...body.accepted, extra: { httpVerb: 'POST' } } }),
      mpp: await mint('mpp', body),
    };
    const typedData = {};
    for (const [version, { accessToken, permissionHash }] of Object.entries(minted)) {
      const token = decode(accessToken);
      const proof = (await anyone.get(`/sandbox/permissions/${permissionHash}`)).json;
      assert.deepEqual(proof.token, token);
      assert.match(token.payload.signature, /^0x[0-9a-f]{128}1[bc]$/);
      assert.equal(proof.signature, token.payload.signature);
      assert.deepEqual([proof.recovered, proof.signer], [ada.address, ada.address], `version ${version}: whoever recovers it finds her`);
      assert.equal(proof.typedData.message.planId, plan);
      assert.deepEqual(proof.sessionKeys.map(({ operation }) => operation), token.payload.authorization.sessionKeys.map(({ id }) => id));
      typedData[version] = proof.typedData;
    }
    assert.deepEqual(Object.values(typedData).map(({ domain }) => [domain.name, domain.version]), [['Nevermined', '2'], ['Nevermined', '3'], ['Nevermined-MPP', '1']]);
    assert.deepEqual([typedData[3].message.resource, typedData[3].message.httpVerb], ['/ask', 'POST']);

    const cards = await seller.plan(BY_CARD);
    const [{ id }] = (await ada.get('/api/v1/payment-methods?provider=stripe')).json;
    const delegationId = await ada.delegation({ provider: 'stripe', currency: 'usd', providerPaymentMethodId: id, maxTransactions: 3, merchantAccountId: 'acct_1' });
    const byCard = { accepted: { scheme: 'nvm:card-delegation', network: 'stripe', planId: cards, extra: {} }, delegationConfig: { delegationId } };
    const [one, two] = [await mint('x402', byCard), await mint('x402', byCard)];
    assert.notEqual(one.accessToken, two.accessToken, 'two in one second are two');
    const { payload } = decode(one.accessToken);
    const claims = part(payload.token, 1);
    assert.deepEqual([claims.aud, claims.sub, claims.jti, claims.iss], ['nvm:card-delegation', ada.address.toLowerCase(), delegationId, sandbox.url]);
    const { providerCustomerId, nonce, ...nvm } = claims.nvm;
    assert.deepEqual(nvm, {
      delegationId, provider: 'stripe', providerPaymentMethodId: id, spendingLimitCents: 10_000, currency: 'usd', merchantAccountId: 'acct_1', maxTransactions: 3,
    });
    assert.ok(providerCustomerId.startsWith('cus_') && nonce);
    assert.deepEqual(payload.authorization.sessionKeys.map((key) => key.id), ['redeem']);
    const [jwk] = (await anyone.get('/.well-known/jwks.json')).json.keys;
    assert.deepEqual([part(payload.token, 0).alg, part(payload.token, 0).kid], ['ES256', jwk.kid]);
    assert.equal(sound(payload.token, jwk), true);
    assert.equal(sound(payload.token.replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...claims, sub: 'eve' })).toString('base64url')}.`), jwk), false);
    await sandbox.stop();

    sandbox = await startSandbox({ data });
    anyone = client(sandbox.url);
    assert.deepEqual((await anyone.get('/.well-known/jwks.json')).json.keys, [jwk]);
    assert.equal((await anyone.get(`/sandbox/permissions/${minted[2].permissionHash}`)).json.recovered, ada.address);
    await sandbox.stop();
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});

test('an account that came with a key made elsewhere has a signer all the same', async () => {
  const sandbox = await startSandbox();
  try {
    const address = `0x${'AB'.repeat(20)}`;
    const key = `sandbox:e30.${Buffer.from(JSON.stringify({ sub: address })).toString('base64url')}.x`;
    const stranger = client(sandbox.url, { nvmApiKey: key, accountAddress: address });
    const seller = await client(sandbox.url).open('Seller');
    const plan = await seller.plan();
    await stranger.order(plan);
    const body = { accepted: { ...offer(plan), extra: {} }, delegationConfig: { delegationId: await stranger.delegation() } };
    const { accessToken, permissionHash } = (await stranger.post('/api/v1/x402/permissions', body)).json;
    const proof = (await stranger.get(`/sandbox/permissions/${permissionHash}`)).json;
    assert.equal(decode(accessToken).payload.authorization.from, address);
    assert.equal(proof.recovered, proof.signer);
    assert.notEqual(proof.signer, address.toLowerCase());
    assert.equal((await seller.settle(plan, accessToken, '1')).json.success, true);
  } finally {
    await sandbox.stop();
  }
});
