// Options that are wrong close the gate, and say which they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import * as page from '../../target/dist/subscriber/paywall.page.js';
import { PLAN, SELLER_KEY } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog, options } from './harness.mjs';

const wrong = {
  'no key': [{ nvmApiKey: undefined }, 'nvmApiKey'],
  'a key that is none': [{ nvmApiKey: 'hello' }, 'nvmApiKey'],
  'unlisted not chosen': [{ unlisted: undefined }, 'unlisted'],
  'no routes': [{ routes: undefined }, 'routes'],
  'routes that are a text': [{ routes: 'POST /ask' }, 'routes'],
  'a route that is null': [{ routes: { 'POST /ask': null } }, 'routes["POST /ask"]'],
  'a misspelt option': [{ allowedOrigin: ['*'] }, 'allowedOrigin'],
  'a misspelt hook': [{ onAfterVerified: 'x' }, 'onAfterVerified'],
  'a misspelt key of a route': [{ routes: { 'POST /ask': { planId: PLAN, credit: 2 } } }, 'routes["POST /ask"].credit'],
  'a price that is none': [{ routes: { 'POST /ask': { planId: PLAN, credits: 1.5 } } }, 'routes["POST /ask"].credits'],
  'a price function with a wrong most': [{ routes: { 'POST /ask': { planId: PLAN, credits: { by: () => 1, most: 0 } } } }, 'routes["POST /ask"].credits.most'],
  'open routes that are none': [{ openRoutes: 'GET /health' }, 'openRoutes'],
  'a token header that is none': [{ tokenHeader: 'x token' }, 'tokenHeader'],
  'a timeout that is none': [{ timeoutMs: -1 }, 'timeoutMs'],
  'an address of the platform that is none': [{ backend: 'http://evil.example' }, 'backend'],
  'an origin beside a handler': [{ origin: 'https://a.example', log: 'loud' }, 'log'],
  'a route that needs a state': [{ routes: { 'POST /ask': { planId: PLAN, singleUse: true } } }, 'routes["POST /ask"].singleUse'],
  'after-delivery without a state': [{ state: false, routes: { 'POST /ask': { planId: PLAN, settle: 'after-delivery' } } }, 'routes["POST /ask"].settle'],
  'a state that is none': [{ state: 'REDIS' }, 'state'],
};

for (const [what, [more, key]] of Object.entries(wrong)) {
  test(`${what}: ready() rejects, every request is 500, and ${key} is named`, async () => {
    const { gate, ask, requests } = gated(more);
    await captureLog(async () => {
      const error = await gate.ready().catch((error) => error);
      assert.deepEqual([error.name, error.code, error.key], ['PaywallError', 'config_invalid', key]);
      for (const [path, init] of [['/ask', {}], ['/health', { method: 'GET' }], ['/ask', { method: 'OPTIONS' }]]) {
        const answer = await ask(path, init);
        const text = await answer.text();
        assert.deepEqual([answer.status, JSON.parse(text).code, JSON.parse(text).key], [500, 'config_invalid', key]);
        assert.ok(!text.includes(SELLER_KEY));
        assert.equal(answer.headers.get('cache-control'), 'no-store');
      }
    });
    assert.equal(requests.length + facilitator.calls.length, 0);
  });
}

test('a handler that is none, and a hook that is none, are refused at once', () => {
  for (const handler of [undefined, null, 7, {}]) assert.throws(() => paywall(handler, options()), { code: 'config_invalid', key: 'handler' });
  for (const name of ['onBeforeVerify', 'onAfterVerify', 'onAfterSettle', 'onPaymentError', 'address']) {
    assert.throws(() => gated({ [name]: 'x' }), { code: 'config_invalid', key: name });
  }
});

test('a function where none is asked is refused at once, by its place', () => {
  for (const [more, key] of [
    [{ onSettle: () => {} }, 'onSettle'],
    [{ routes: { 'POST /ask': { plans: [{ planId: PLAN, credits: () => 1 }] } } }, 'routes["POST /ask"].plans[0].credits'],
  ]) assert.throws(() => gated(more), { code: 'config_invalid', key });
});

test('a bigint is a price', async () => {
  const { ask } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: 2n ** 70n } } });
  await captureLog(async () => {
    const offer = await (await ask('/ask', { paid: false })).json();
    assert.equal(offer.accepts[0].extra.credits, String(2n ** 70n));
  });
});

test('half of a character in an option is read as the replacement character', async () => {
  const { ask } = gated({ routes: { 'POST /ask': { planId: PLAN, credits: 1, description: 'half \ud83d pair' } } });
  await captureLog(async () => {
    const offer = await (await ask('/ask', { paid: false })).json();
    assert.equal(offer.resource.description, 'half \ufffd pair');
  });
});

test('ready() of a gate that is right resolves; what it cannot promise is said at start', async () => {
  const { gate } = gated();
  const said = await captureLog(() => gate.ready());
  assert.match(said, /Without a state \(in a Worker the Durable Object binding PAYWALL_STATE\)/);
  const kept = gated({ state: 'memory' });
  assert.match(await captureLog(() => kept.gate.ready()), /kept in this process/);
});

test('a handler that gives no Response, or throws, costs nothing', async () => {
  for (const answer of [() => undefined, () => 'text', () => { throw new Error('x'); }, () => Promise.reject(new Error('x'))]) {
    facilitator.reset();
    const { ask } = gated({}, answer);
    await captureLog(async () => {
      const got = await ask();
      assert.deepEqual([got.status, (await got.json()).code], [502, 'origin_unreachable']);
    });
    assert.equal(facilitator.count('settle'), 0);
  }
});

test('a handler that is too slow is a 504, and is told to stop', async () => {
  let signal;
  const { ask } = gated({ originTimeoutMs: 50 }, (request) => { signal = request.signal; return new Promise(() => {}); });
  const got = await ask();
  assert.deepEqual([got.status, (await got.json()).code], [504, 'origin_timeout']);
  assert.equal(signal.aborted, true);
  assert.equal(facilitator.count('settle'), 0);
});

test('a client that has gone is not charged', async () => {
  const gone = new AbortController();
  const { ask } = gated({}, () => { gone.abort(); return new Response('x'); });
  const got = await ask('/ask', { signal: gone.signal });
  assert.equal(got.status, 499);
  assert.equal(facilitator.count('settle'), 0);
});

test('two cookies stay two, a 204 has no body, a redirect is not followed', async () => {
  const answers = [
    () => new Response('x', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }), () => new Response(null, { status: 204 }),
    () => new Response(null, { status: 302, headers: { location: 'https://elsewhere.example/' } }),
  ];
  const got = await Promise.all(answers.map((answer) => gated({}, answer).ask()));
  assert.deepEqual(got.map(({ status }) => status), [200, 204, 302]);
  assert.deepEqual(got[0].headers.getSetCookie(), ['a=1', 'b=2']);
});

test('an option, a key of a route and a key of the document that were misspelt: the one that was meant is named', async () => {
  const said = async (more) => (await gated(more).gate.ready().catch((error) => error)).message;
  await captureLog(async () => {
    for (const [more, message] of [
      [{ allowedOrigin: ['*'] }, 'allowedOrigin is not an option; did you mean allowedOrigins?'],
      [{ timeoutMS: 5 }, 'timeoutMS is not an option; did you mean timeoutMs?'],
      [{ routes: { 'POST /ask': { planId: PLAN, credit: 2 } } }, /^routes\["POST \/ask"\]\.credit is not [^;]+; did you mean credits\?$/],
      [{ config: JSON.stringify({ unlistet: 'deny' }) }, 'unlistet is not a key of the configuration; did you mean unlisted?'],
      [{ colour: 'blue' }, 'colour is not an option'],
      // Before what is missing, which may be what was misspelt.
      [{ unlisted: undefined, unlistd: 'deny' }, 'unlistd is not an option; did you mean unlisted?'],
      [{ nvmApiKey: undefined, nvmApikey: SELLER_KEY }, 'nvmApikey is not an option; did you mean nvmApiKey?'],
      // At every depth.
      ...Object.entries({
        'limit.requsts is not a key of limit; did you mean requests?': { limit: { requsts: 1, seconds: 1, by: 'payer' } },
        'free.perday is not a key of free; did you mean perDay?': { free: { perday: 1, by: 'payer' } },
        'credits.nam is not a key of a price; did you mean name?': { credits: { by: 'query', nam: 'n', each: 1, most: 5 } },
        'credits.mots is not a key of a price; did you mean most?': { credits: { by: () => 1, mots: 5 } },
        'credits.name is not a key of a price of this kind': { credits: { by: 'byte', name: 'n', each: 1, most: 5 } },
        'plans[0].planid is not a key of a plan; did you mean planId?': { planId: undefined, credits: undefined, plans: [{ planid: PLAN, credits: 1 }] },
        'plans[0].credits.eech is not a key of a price; did you mean each?': { planId: undefined, credits: undefined, plans: [{ planId: PLAN, credits: { by: 'query', name: 'n', eech: 1, most: 5 } }] },
      }).map(([message, route]) => [{ routes: { 'POST /ask': { planId: PLAN, credits: 2, ...route } } }, `routes["POST /ask"].${message}`]),
      [{ config: { routes: { 'POST /ask': { planId: PLAN, credits: 2, setle: 'after-delivery' } }, unlisted: 'deny' } }, 'routes["POST /ask"].setle is not a key of a route; did you mean settle?'],
      [{ passes: { day: { routes: ['POST /ask'], secnds: 60 } } }, 'passes["day"].secnds is not a key of a set of passes; did you mean seconds?'],
      [{ revokedPasses: { payer: {} } }, 'revokedPasses.payer is not a key of revoked passes; did you mean payers?'],
      [{ pageScripts: page, page: { nmae: 'Shop' } }, 'page.nmae is not a key of the page; did you mean name?'],
      [{ pageScripts: page, page: { texts: { titel: 'Pay' } } }, /^page\.texts\.titel is not a text of the page/],
    ]) {
      const found = await said(more);
      if (message instanceof RegExp) assert.match(found, message);
      else assert.equal(found, message);
    }
  });
});

test('a byte order mark before a document or a variable is no part of it', async () => {
  const routes = { 'POST /ask': { planId: PLAN, credits: 2 } };
  const document = `\ufeff${JSON.stringify({ routes, unlisted: 'deny' })}`;
  for (const config of [document, { get: async () => document }, async () => document]) {
    await paywall(() => new Response('x'), options({ routes: undefined, unlisted: undefined, config })).ready();
  }
  const gate = paywall(() => new Response('x'), options({ routes: undefined, openRoutes: undefined }));
  await gate.ready({ ROUTES: `\ufeff${JSON.stringify(routes)}`, OPEN_ROUTES: '\ufeff["GET /health"]' });
});
