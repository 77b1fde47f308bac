// The paywall's behaviour on errors: of the facilitator, the token, the origin (money rules 17, 19, 21).
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { PAYER, PLAN, json, readHeader, startAll, token } from './harness.mjs';

let all;
// Little patience, since much here hangs.
before(async () => { all = await startAll({ vars: { TIMEOUT_MS: '1000' } }); });
beforeEach(() => all.reset());
after(() => all.stop());

const fault = {
  'answers 500': (response) => json(response, 500, { code: 'BCK.X402.0006', message: 'no' }),
  'answers 503': (response) => { response.writeHead(503); response.end('down'); },
  'answers with a page': (response) => { response.writeHead(200, { 'content-type': 'text/html' }); response.end('<h1>hi</h1>'); },
  'answers with half a document': (response) => { response.writeHead(200); response.end('{"isValid":tr'); },
  'answers with an empty object': (response) => json(response, 200, {}),
  'answers with bytes that are no text': (response) => { response.writeHead(200); response.end(Buffer.from([0xff, 0xfe, 0x80])); },
  'answers without end': (response) => { response.writeHead(200); response.end(Buffer.alloc(400_000, 0x20)); },
  'redirects elsewhere': (response) => { response.writeHead(302, { location: `${all.origin.url}/stolen` }); response.end(); },
  'hangs': () => {},
  'hangs in the middle of its answer': (response) => { response.writeHead(200); response.write('{"isValid":true,"success":true,'); },
  'breaks the connection': (response) => response.destroy(),
  'breaks it in the middle of its answer': (response) => { response.writeHead(200, { 'content-length': '100' }); response.write('{'); setTimeout(() => response.destroy(), 20); },
};

for (const [what, answer] of Object.entries(fault)) {
  test(`a facilitator that ${what} at verify: 503 with retry-after, the origin is not called`, async () => {
    all.facilitator.verify = answer;
    const response = await all.paid('/paid');
    assert.equal(response.status, 503);
    assert.match(response.headers.get('retry-after'), /^\d+$/);
    assert.equal(response.headers.get('payment-required'), null);
    const body = await response.json();
    assert.match(body.code, /^facilitator_/);
    assert.equal(all.origin.calls.length, 0);
    assert.equal(all.facilitator.count('settle'), 0);
  });

  test(`a facilitator that ${what} at settle: delivered without a receipt, and written down`, async () => {
    all.facilitator.settle = answer;
    const before = all.paywall.said().length;
    const response = await all.paid('/paid');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('payment-response'), null);
    assert.equal((await response.json()).secret, 'worth paying for');
    assert.equal(all.origin.calls.length, 1);
    const said = await until(() => all.paywall.said().slice(before), /settlement_unknown/);
    const line = JSON.parse(/\{"event":"settlement_unknown".*\}/.exec(said)[0]);
    assert.equal(line.requestId, 'req-1');
    assert.deepEqual([line.plan, line.payer, line.credits, line.route], [PLAN, PAYER, '1', 'GET /paid']);
    assert.match(line.token, /^sha256:[0-9a-f]{64}$/);
    assert.match(line.why, /^facilitator_/);
    assert.ok(Math.abs(line.at - Date.now()) < 60_000);
    assert.ok(!said.includes(token()), 'the token is not in the log');
  });
}

test('no facilitator at all: 503, and the next request too', async () => {
  const known = { 'GET /paid': { planId: PLAN, credits: 1, scheme: 'nvm:erc4337' } };
  const alone = await startAll({ vars: { NVM_API_URL: 'http://127.0.0.1:9', ROUTES: known } });
  try {
    for (let round = 0; round < 2; round++) {
      const response = await alone.paid('/paid');
      assert.equal(response.status, 503);
      assert.equal((await response.json()).code, 'facilitator_unreachable');
    }
    assert.equal(alone.origin.calls.length, 0);
    assert.equal((await alone.get('/health')).status, 200);
  } finally { await alone.stop(); }
});

test('a slow facilitator is waited for as long as was said, and no longer', async () => {
  all.facilitator.verify = () => {};
  const started = performance.now();
  const response = await all.paid('/paid');
  const took = performance.now() - started;
  assert.equal((await response.json()).code, 'facilitator_timeout');
  assert.ok(took > 900 && took < 20_000, `${took} ms`);
});

test('the facilitator does not take our key: 503, not the buyer\'s fault', async () => {
  for (const [status, code] of [[401, 'BCK.AUTH.0002'], [403, 'BCK.APIKEY.0001']]) {
    all.facilitator.verify = (response) => json(response, status, { code, message: 'no' });
    const response = await all.paid('/paid');
    assert.equal(response.status, 503);
    assert.equal((await response.json()).code, 'facilitator_unauthorized');
  }
  assert.equal(all.origin.calls.length, 0);
});

test('refused at verify: 402 with a fresh offer, the facilitator\'s code and its correlation id', async () => {
  all.facilitator.verify = (response) => json(response, 402, { code: 'BCK.X402.0005', message: 'Invalid access token' }, { 'x-correlation-id': 'c-1' });
  const response = await all.paid('/paid');
  assert.equal(response.status, 402);
  assert.equal(response.headers.get('x-platform-correlation-id'), 'c-1');
  assert.equal(readHeader(response.headers.get('payment-required')).accepts[0].planId, PLAN);
  const body = await response.json();
  assert.deepEqual([body.code, body.message], ['BCK.X402.0005', 'Invalid access token']);
  all.facilitator.verify = (response) => json(response, 200, { isValid: false, invalidReason: 'insufficient_funds' });
  const again = await (await all.paid('/paid')).json();
  assert.deepEqual([again.code, again.message], ['payment_refused', 'insufficient_funds']);
  assert.equal(all.origin.calls.length, 0);
});

test('refused at settle: 402, success false, nothing delivered, the origin\'s body cancelled', async () => {
  all.facilitator.settle = (response) => json(response, 200, { success: false, errorReason: 'delegation_ended', transaction: '', network: 'eip155:84532' });
  all.origin.answer = (request, response) => { response.writeHead(200); response.write('secret'); };
  const response = await all.paid('/paid');
  assert.equal(response.status, 402);
  assert.equal(response.headers.get('payment-required'), null);
  const receipt = readHeader(response.headers.get('payment-response'));
  assert.deepEqual([receipt.success, receipt.errorReason], [false, 'delegation_ended']);
  assert.doesNotMatch(await response.text(), /secret/);
  await until(() => String(all.origin.cancelled), /1/);
});

test('refused at settle for too little credit: a fresh offer rides along', async () => {
  for (const [status, code] of [[402, 'BCK.CREDITS.0003'], [403, 'BCK.PROTOCOL.0011'], [402, 'BCK.X402.0059']]) {
    all.facilitator.settle = (response) => json(response, status, { code, message: 'no' });
    const response = await all.paid('/paid');
    assert.equal(response.status, 402);
    const offer = readHeader(response.headers.get('payment-required'));
    assert.equal(offer.x402Version, 2);
    assert.equal(offer.error, code);
    assert.equal(readHeader(response.headers.get('payment-response')).success, false);
    assert.equal((await response.json()).code, code);
  }
});

test('a facilitator that is too busy, or does not know us, at settle: 503, nothing delivered', async () => {
  for (const status of [429, 401]) {
    all.facilitator.settle = (response) => json(response, status, {});
    const response = await all.paid('/paid');
    assert.equal(response.status, 503);
    assert.doesNotMatch(await response.text(), /worth/);
  }
});

test('an origin that fails is not paid for, and its answer passes', async () => {
  for (const status of [301, 304, 400, 404, 418, 500, 503]) {
    all.origin.answer = (request, response) => {
      response.writeHead(status, { 'x-own': 'yes', 'payment-response': 'forged', location: '/elsewhere' });
      response.end(status === 304 ? undefined : 'sorry');
    };
    const response = await all.paid('/paid');
    assert.equal(response.status, status);
    assert.equal(response.headers.get('x-own'), 'yes');
    assert.deepEqual(readHeader(response.headers.get('payment-response')), {
      success: false, errorReason: 'not_settled', transaction: '', network: '',
    });
    await response.text();
  }
  assert.equal(all.facilitator.count('settle'), 0);
});

test('an origin that does not answer: 502, nothing settled', async () => {
  all.origin.answer = (request, response) => response.destroy();
  const response = await all.paid('/paid');
  assert.equal(response.status, 502);
  assert.equal((await response.json()).code, 'origin_unreachable');
  assert.equal(all.facilitator.count('settle'), 0);
});

const garbage = {
  'no base64': ['!!!!', 402, 'payment_malformed'],
  'base64 of no JSON': ['aGVsbG8', 402, 'payment_malformed'],
  'half a token': [token().slice(0, 60), 402, 'payment_malformed'],
  'a token twice': [`${token()}, ${token()}`, 402, 'payment_malformed'],
  'a token for another plan': [token({ planId: '9' }), 402, 'payment_for_another_plan'],
  'a token of another scheme': [token({ scheme: 'nvm:card-delegation' }), 402, 'payment_for_another_plan'],
  'an empty one': ['', 402, 'payment_missing'],
  'spaces': ['   ', 402, 'payment_missing'],
  '17 KiB': ['A'.repeat(17 * 1024), 400, 'payment_too_large'],
  'just over 16 KiB': ['A'.repeat(16 * 1024 + 1), 400, 'payment_too_large'],
};
for (const [what, [value, status, code]] of Object.entries(garbage)) {
  test(`a payment-signature that is ${what}: ${status}, nobody is asked`, async () => {
    const response = await all.get('/paid', { headers: { 'payment-signature': value } });
    assert.equal(response.status, status);
    assert.equal((await response.json()).code, code);
    assert.equal(all.facilitator.calls.length + all.origin.calls.length, 0);
    assert.equal((await all.paid('/paid')).status, 200, 'the next request is served');
  });
}

async function until(read, pattern) {
  for (let round = 0; round < 1000; round++) {
    if (pattern.test(read())) return read();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.match(read(), pattern);
}
