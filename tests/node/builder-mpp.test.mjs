// The headers of MPP as they are met: several schemes in one, quotes and escapes, what is broken, what is no challenge.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '../../target/dist/subscriber/builder.js';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const REQUEST = encode({ planId: '1', credits: '2' });
const challenge = (more = '', request = REQUEST) => `Payment id="i", realm="r", method="nevermined", intent="charge", request="${request}"${more}`;
const malformed = (call) => assert.throws(call, (error) => error instanceof sdk.PaymentsError && error.code === 'mpp_malformed', String(call));

test('a challenge is found among other schemes', () => {
  const plain = { id: 'i', realm: 'r', method: 'nevermined', intent: 'charge', request: { planId: '1', credits: '2' }, requestEncoded: REQUEST };
  for (const [header, more] of [
    [challenge()], [challenge().replace('Payment', 'pAYMENT')], [challenge().replaceAll(', ', ',')], [challenge().replaceAll('="', ' = "')],
    [`  , ${challenge()} ,`], [`Basic realm="Payment id=\\"x\\", y", ${challenge()}`], [`Bearer abc==, ${challenge()}, Digest a=b, c="d"`],
    [`Negotiate, ${challenge()}`], [`;;;, ${challenge()}`], [challenge(', description="a, b \\"c\\" \\\\"'), { description: 'a, b "c" \\' }],
    [challenge(', digest=sha-256=abc=, opaque="o"'), { digest: 'sha-256=abc=', opaque: 'o' }], [challenge(', description="no end'), { description: 'no end' }],
    [challenge(', expires=""')], [`${challenge()}, ${challenge().replace('"i"', '"second"')}`],
  ]) {
    assert.deepEqual(sdk.parseChallengeHeader(header), { ...plain, ...more }, header);
  }
});

test('a challenge of ours is found beside those of other methods, and none of theirs is taken for it', () => {
  const theirs = (method) => `Payment id="t", realm="r", method="${method}", intent="charge", request="${encode({ amount: '1000', currency: '0xusd', recipient: '0xabc' })}"`;
  const folded = new Headers([['www-authenticate', theirs('tempo')], ['www-authenticate', challenge()]]).get('www-authenticate');
  for (const header of [`${theirs('tempo')}, ${challenge()}`, `${theirs('stripe')}, ${theirs('tempo')}, ${challenge()}`, `${challenge()}, ${theirs('tempo')}`, folded]) {
    assert.equal(sdk.parseChallengeHeader(header).id, 'i', header);
  }
  for (const header of [theirs('tempo'), `${theirs('tempo')}, ${theirs('stripe')}`, `Bearer x, ${theirs('tempo')}`]) assert.equal(sdk.parseChallengeHeader(header), null, header);
});

test('names of parameters have no case, and stand once each', () => {
  assert.equal(sdk.parseChallengeHeader(challenge().replace('id=', 'ID=').replace('realm=', 'Realm=').replace('request=', 'REQUEST=')).id, 'i');
  for (const more of [', id="j"', ', ID="j"', ', Request="x"', ', id="i"']) malformed(() => sdk.parseChallengeHeader(challenge(more)));
  assert.equal(sdk.parseChallengeHeader(`${challenge()}, Bearer realm="x", id="y"`).id, 'i', 'those of another scheme are its own');
  assert.equal(sdk.parseChallengeHeader(challenge(', __proto__="x", constructor="y"')).id, 'i');
});

test('what is no challenge is none, and what is broken is said to be', () => {
  for (const header of ['', 'Bearer x', 'Payment', 'Payment abc', 'Bearer Payment', 'Bearer payment="x"', 'Payment id="i", realm="r"', challenge().replace('"i"', '""')]) {
    assert.equal(sdk.parseChallengeHeader(header), null, header);
  }
  for (const request of [
    '!!', encode('no JSON'), encode(null), encode([]), encode({}), encode({ planId: '', credits: 1 }), encode({ planId: 1, credits: 1 }), encode({ planId: '1' }),
    encode({ planId: '1', credits: 1.5 }), encode({ planId: '1', credits: 2 ** 60 }), encode({ planId: '1', credits: -1 }), encode({ planId: '1', credits: '1e3' }),
    encode({ planId: '1', credits: true }), encode({ planId: '1', credits: 1, agentId: 2 }), Buffer.from([0x22, 0xff, 0x22]).toString('base64url'),
  ]) {
    malformed(() => sdk.parseChallengeHeader(challenge('', request)));
  }
  for (const receipt of ['', '!!', encode({}), encode(null), encode({ method: 'm', reference: '', status: 's', timestamp: 't' }), encode({ method: 'm', reference: 'r', status: 1, timestamp: 't' })]) {
    malformed(() => sdk.parseReceiptHeader(receipt));
  }
});

test('a credential is known by its challenge, whatever letters it comes in', () => {
  const parsed = sdk.parseChallengeHeader(challenge(', opaque="o", description="\u00fc"'));
  const frozen = Object.freeze({ ...parsed });
  const credential = sdk.buildCredentialHeader(frozen, { accessToken: 't' });
  assert.deepEqual(JSON.parse(Buffer.from(credential.slice('Payment '.length), 'base64url')), {
    challenge: { id: 'i', realm: 'r', method: 'nevermined', intent: 'charge', description: '\u00fc', opaque: 'o', request: REQUEST }, payload: { accessToken: 't' },
  });
  const again = `payment  ${encode({ payload: {}, challenge: { realm: 'x', id: 'i' } })}==, Bearer y`;
  for (const one of [credential, credential.replace('Payment', 'PAYMENT'), again, `Bearer y, ${credential}`]) assert.equal(sdk.extractCredentialChallengeId(one), 'i', one);
  for (const one of ['', 'Payment', 'Payment !!', challenge(), `Payment ${encode({ challenge: { id: '' } })}`, `Payment ${encode({ challenge: { id: 1 } })}`, `Payment ${encode(null)}`]) {
    assert.equal(sdk.extractCredentialChallengeId(one), null, one);
  }
});

test('a header of any length is read in one go', () => {
  for (const header of ['"'.repeat(1e5), 'Payment '.repeat(2e4), ',='.repeat(5e4), `Payment id="${'\\\\'.repeat(5e4)}`, 'a=b,'.repeat(2e4), ' '.repeat(1e5)]) {
    assert.equal(sdk.parseChallengeHeader(header), null);
  }
});
