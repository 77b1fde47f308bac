// The headers of MPP as they are met: several schemes in one, quotes and escapes, what is broken, what is no challenge. And the requests of
// `payments.mpp.fetch`: each is the one that was given at the call.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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

describe('payments.mpp.fetch sends with the credential what was given at the call', () => {
  const key = `local:${encode({ alg: 'none' })}.${encode({ sub: `0x${'1'.repeat(40)}` })}.c2ln`;
  const PLATFORM = 'https://platform.example';
  const URL_OF_SELLER = 'https://seller.example/ask';
  /** Calls with a platform and a seller in one function; `change` is run after the call, and again when the price is told. What was sent, in order. */
  const sent = async (input, init, change) => {
    const requests = [];
    const fetch = async (request) => {
      if (request.url.startsWith(PLATFORM)) return Response.json({ accessToken: 'token' });
      requests.push({ method: request.method, own: request.headers.get('x-own'), url: request.url, body: await request.text() });
      if (requests.length > 1) return new Response('ok');
      change();
      return new Response('', { status: 402, headers: { 'www-authenticate': challenge() } });
    };
    const payments = sdk.Payments.getInstance({ nvmApiKey: key, environment: 'custom', backend: PLATFORM, fetch });
    const called = payments.mpp.fetch(input, init, { delegationConfig: { delegationId: 'd' } });
    change();
    assert.equal((await called).credentialsPresented, 1);
    assert.equal(requests.length, 2);
    return requests;
  };

  const view = new Uint8Array([65, 66]);
  const query = new URLSearchParams({ a: '1' });
  const form = new FormData();
  form.append('a', '1');
  let told = 0;
  const bodies = [
    ['a view', view, 'AB', () => view.fill(90)], ['a buffer', view.slice().buffer, 'AB', (body) => new Uint8Array(body).fill(90)],
    ['URLSearchParams', query, 'a=1', () => query.append('b', '2')],
    ['FormData', form, /name="a"\r\n\r\n1\r\n--[^\r]*--\r\n$/, () => form.append('b', '2')],
    ['an object with a text of its own', { toString: () => `text ${told += 1}` }, 'text 1', () => {}],
    ['a list', ['a'], 'a', (body) => body.push('b')],
    ['a stream', new Blob(['flows']).stream(), 'flows', () => {}],
  ];
  for (const [name, body, expected, change] of bodies) {
    test(`the body: ${name}`, async () => {
      const requests = await sent(URL_OF_SELLER, { method: 'POST', body, duplex: 'half' }, () => change(body));
      for (const { body: text } of requests) expected instanceof RegExp ? assert.match(text, expected) : assert.equal(text, expected);
    });
  }

  test('the members of the request, and its address', async () => {
    const url = new URL(URL_OF_SELLER);
    const init = { method: 'POST', headers: new Headers({ 'x-own': 'mine' }), body: 'before' };
    const requests = await sent(url, init, () => {
      url.pathname = '/elsewhere';
      init.headers.set('x-own', 'changed');
      Object.assign(init, { method: 'DELETE', body: 'after', signal: AbortSignal.abort() });
    });
    const as = { method: 'POST', own: 'mine', url: URL_OF_SELLER, body: 'before' };
    assert.deepEqual(requests, [as, as]);
  });

  test('a Request', async () => {
    const request = new Request(URL_OF_SELLER, { method: 'PUT', headers: { 'x-own': 'mine' }, body: 'mine' });
    const as = { method: 'PUT', own: 'mine', url: URL_OF_SELLER, body: 'mine' };
    assert.deepEqual(await sent(request, undefined, () => request.headers.set('x-own', 'changed')), [as, as]);
  });
});
