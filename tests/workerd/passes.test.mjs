// Access passes and the 402 page in workerd: sold, shown, refused; two Workers that share the keys (rules 16, 17, 19, 25).
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { PAYER, PLAN, ROUTES, b64, json, raw, readHeader, startAll, token } from './harness.mjs';

const [OLD, NEW] = ['k1:0123456789abcdef0123456789abcdef', 'k2:fedcba9876543210fedcba9876543210'];
const PASSES = {
  all: { routes: ['POST /ask', 'GET /paid'], seconds: 3600 },
  stream: { routes: ['GET /stream'], seconds: 3600, carry: 'header' },
};
/** The request of a browser that opens a resource: `fetch` here would mark it as a script's. */
const navigate = async (at, path) => {
  const { status, answer } = await raw(at.paywall.url, `GET ${path} HTTP/1.1\r\nhost: x\r\naccept: text/html,*/*;q=0.8\r\nsec-fetch-mode: navigate\r\n\r\n`);
  const [head, body] = answer.split(/\r\n\r\n(.*)/s);
  return { status, body, headers: new Headers(head.split('\r\n').slice(1).map((line) => line.split(/: (.*)/).slice(0, 2))) };
};

let all, other;
before(async () => {
  all = await startAll({ vars: { TIMEOUT_MS: '10000', PASSES: JSON.stringify(PASSES), PASS_KEYS: OLD } });
  // A second Worker, of a newer configuration: another key signs, the old one still counts.
  other = await startAll({
    routes: { routes: ROUTES, open: ['GET /health'], unlisted: 'pass' },
    vars: { TIMEOUT_MS: '10000', PASSES: JSON.stringify(PASSES), PASS_KEYS: `${NEW},${OLD}`, PAGE: 'off' },
  });
});
beforeEach(() => { all.reset(); other.reset(); });
after(() => Promise.all([all, other].map((one) => one?.stop())));

const buy = async (path = '/ask', init = { method: 'POST', body: '{}' }) => (await all.paid(path, init)).headers.get('x-payment-pass');
const calls = (one) => one.facilitator.calls.length;

test('one payment, then none: in the header, in the cookie, at the other Worker', async () => {
  const answer = await all.paid('/ask', { method: 'POST', body: '{}' });
  const pass = answer.headers.get('x-payment-pass');
  assert.equal(Number(answer.headers.get('x-payment-pass-expires')) - Math.round(Date.now() / 1000) > 3590, true);
  const [cookie] = answer.headers.getSetCookie();
  assert.match(cookie, /^payment-pass-all=v1\.k1\..*; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
  assert.equal(calls(all), 2);
  for (const [at, path, init] of [
    [all, '/ask', { method: 'POST', body: '{"q":1}', headers: { 'x-payment-pass': pass } }],
    [all, '/paid', { headers: { 'x-payment-pass': pass } }],
    [all, '/paid', { headers: { cookie: `a=1; ${cookie.split(';')[0]}` } }],
    [other, '/ask', { method: 'POST', body: '{}', headers: { 'x-payment-pass': pass } }],
  ]) {
    at.origin.reset();
    const before = calls(at);
    const answer = await at.get(path, init);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).body, init.body ?? '');
    assert.equal(calls(at), before, 'nobody is asked');
    assert.equal(answer.headers.get('payment-response'), null);
    assert.equal(answer.headers.get('cache-control'), 'private');
    const { headers } = at.origin.calls[0];
    assert.deepEqual([headers['x-payment-payer'], headers['x-payment-plan'], headers['x-payment-credits']], [PAYER, PLAN, '0']);
    assert.match(headers['x-payment-pass'], /^[0-9a-f]{32}$/);
    assert.equal(JSON.stringify(headers).includes('v1.k1'), false, 'the origin does not see the pass');
    assert.equal(headers.cookie, init.headers.cookie && 'a=1');
  }
  assert.match((await other.paid('/ask', { method: 'POST', body: '{}' })).headers.get('x-payment-pass'), /^v1\.k2\./, 'the first key signs');
});

test('a pass opens nothing else, however it is asked for', async () => {
  const pass = await buy();
  all.reset();
  const headers = { 'x-payment-pass': pass };
  for (const path of ['/stream', '/files/a', '/FILES/a', '//stream', '/paid/../stream', '/%73tream', '/paid%2f..%2fstream', '/paid;/stream', '/ask']) {
    const { status, answer } = await raw(all.paywall.url, `GET ${path} HTTP/1.1\r\nhost: x\r\nx-payment-pass: ${pass}\r\nconnection: close\r\n\r\n`);
    assert.ok([400, 402, 404, 405].includes(status), `${path}: ${status}`);
    assert.equal(answer.includes('worth paying for'), false, path);
  }
  assert.equal(all.origin.calls.length, 0);
  // An alias of what it does open is that, and reaches the origin in the one spelling.
  assert.equal((await all.get('/PAID/', { headers })).status, 200);
  assert.equal(all.origin.calls[0].url, '/paid');
});

test('what is forged, over or garbled is to be paid', async () => {
  const pass = await buy();
  const [version, id, payload, mac] = pass.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const sign = (text, key) => `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  // The format is what it says: anybody with the key can make one.
  const made = sign(`v1.k1.${b64({ ...claims, id: '0'.repeat(32) })}`, OLD.slice(3));
  assert.equal((await all.get('/paid', { headers: { 'x-payment-pass': made } })).status, 200);
  const stream = await buy('/stream', {});
  for (const [code, pass] of Object.entries({
    pass_forged: [version, id, b64({ ...claims, exp: claims.exp + 1 }), mac].join('.'),
    pass_malformed: 'hello',
    pass_too_large: 'v1.'.padEnd(2000, 'a'),
    pass_for_another_price: sign(`v1.k1.${b64({ ...claims, tier: '0' })}`, OLD.slice(3)),
    pass_for_another_route: stream,
    pass_expired: sign(`v1.k1.${b64({ ...claims, iat: claims.iat - 7200, exp: claims.exp - 7200 })}`, OLD.slice(3)),
    pass_not_yet_valid: sign(`v1.k1.${b64({ ...claims, iat: claims.iat + 600 })}`, OLD.slice(3)),
  })) {
    const answer = await all.get('/paid', { headers: { 'x-payment-pass': pass } });
    assert.deepEqual([answer.status, (await answer.json()).code], [402, code]);
    assert.ok(readHeader(answer.headers.get('payment-required')).accepts.length);
  }
  const wrongKey = sign(`v1.k1.${payload}`, NEW.slice(3));
  assert.equal((await all.get('/paid', { headers: { 'x-payment-pass': wrongKey } })).status, 402);
});

test('only what was certainly settled brings a pass', async () => {
  all.facilitator.settle = (response) => json(response, 402, { code: 'BCK.CREDITS.0003', message: 'too few' });
  assert.equal(await buy(), null);
  all.facilitator.settle = (response) => json(response, 500, {});
  const answer = await all.paid('/ask', { method: 'POST', body: '{}' });
  assert.deepEqual([answer.status, answer.headers.get('x-payment-pass'), answer.headers.getSetCookie()], [200, null, []]);
  all.facilitator.settle = undefined;
  all.origin.answer = (request, response) => json(response, 500, {});
  assert.equal(await buy(), null);
});

test('a token is asked after without paying', async () => {
  const answer = await all.paid('/.well-known/payments/status');
  assert.equal(answer.status, 200);
  const { valid, payer, plan } = await answer.json();
  assert.deepEqual([valid, payer, plan], [true, PAYER, PLAN]);
  assert.deepEqual(all.facilitator.calls.map(({ call, body }) => [call, body.maxAmount]), [['verify', '0']]);
  assert.equal((await all.get('/.well-known/payments/status')).status, 402);
  assert.equal((await all.get('/.well-known/payments/status', { headers: { 'payment-signature': token({ planId: '9' }) } })).status, 402);
  assert.equal(all.origin.calls.length, 0);
});

/** The files of the npm package that the 402 page never asks for: it pays the gate's own offer and sells nothing. */
const NOT_OF_THE_PAGE = [
  'helpers.js', 'budget_store.js', 'wrap_fetch.js', 'dialects.js', 'mcp_client.js', 'a2a_client.js', 'selling.js', 'seller.load.js',
];

test('a browser gets the page, and all that it loads comes from here', async () => {
  const answer = await navigate(all, '/paid?x=%3Cb%3E');
  assert.equal(answer.status, 402);
  assert.match(answer.headers.get('content-type'), /^text\/html/);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('vary'), 'Accept, Sec-Fetch-Mode');
  assert.ok(readHeader(answer.headers.get('payment-required')).accepts.length);
  const script = /src="([^"]+\/page\.js)"/.exec(answer.body)[1];
  const files = [script];
  for (const file of files) {
    const answer = await all.get(file);
    assert.equal(answer.status, 200, file);
    assert.match(answer.headers.get('cache-control'), /immutable/);
    assert.match(answer.headers.get('content-type'), /^text\/javascript/);
    const text = await answer.text();
    for (const [, name] of text.matchAll(/import\("\.\/([\w.]+)"\)/g)) {
      const path = new URL(name, `http://x${file}`).pathname;
      // Code that only other entries call, or that serves an option which the page does not set, is left out.
      if (!NOT_OF_THE_PAGE.includes(name) && !files.includes(path)) files.push(path);
    }
  }
  assert.deepEqual(files.map((file) => file.split('/').at(-1)).sort(), ['account.js', 'checkout.js', 'core.packed.js', 'page.js', 'quote.js']);
  assert.equal((await all.get(script, { method: 'HEAD' })).status, 200);
  assert.equal((await all.get(script.replace(/sdk\/\w+/, 'sdk/0000'))).status, 404);
  assert.equal(all.origin.calls.length, 0);
});

test('the way back from a login is not forwarded, whatever passes', async () => {
  const back = '/.well-known/payments/login?to=%2Fpaid&nvmApiKey=secret';
  const answer = await all.get(back);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
  assert.equal((await answer.text()).includes('secret'), false);
  for (const path of ['status', 'passes']) assert.notEqual((await other.get(`/.well-known/payments/${path}?nvmApiKey=secret`)).status, 404);
  assert.equal(all.origin.calls.length + other.origin.calls.length, 0);
  // Without the page these are addresses like any other, and a browser reads what a program does.
  assert.match((await navigate(other, '/paid')).headers.get('content-type'), /json/);
});
