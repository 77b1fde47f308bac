// `Payments.getInstance` gives the object at once, and the wasm is loaded by the first call that needs it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { dist } from '../../scripts/lib/build.mjs';
import * as core from '../../target/dist/subscriber/core.js';
import start, * as engine from '../../target/dist/subscriber/engine.js';
import { Payments } from '../../target/dist/subscriber/index.js';
import { failure } from './harness.mjs';

const exec = promisify(execFile);
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const ME = `0x${'1'.repeat(40)}`;
const keyOf = (claims, prefix = 'local:') => `${prefix}${part({ alg: 'none' })}.${part(claims)}.c2ln`;
const KEY = keyOf({ sub: ME });
const PLACE = { environment: 'custom', backend: 'http://127.0.0.1:9' };
const URL_OF_SELLER = 'http://127.0.0.1:1001/ask';

before(async () => { await start({ module_or_path: readFileSync(dist('subscriber', 'core_bg.wasm')) }); });

/** A class whose wasm comes when `arrive` is called, or fails as often as it is told to. */
function slow() {
  let arrive;
  const tries = [];
  const arrived = new Promise((done) => { arrive = () => done(engine); });
  const load = () => {
    const fail = tries.fail > tries.length;
    tries.push(Date.now());
    return fail ? Promise.reject(new Error('not today')) : arrived;
  };
  return { Payments: core.createPayments(load), arrive, tries };
}

test('what it says of itself is right in the first line, before any wasm', async () => {
  const code = `
    for (const name of ['instantiate', 'compile', 'Module', 'instantiateStreaming']) WebAssembly[name] = () => { throw new Error('loaded'); };
    const { Payments } = await import(${JSON.stringify(dist('subscriber', 'index.js'))});
    const options = ${JSON.stringify({ nvmApiKey: KEY, ...PLACE, organizationId: 'org-1' })};
    const payments = Payments.getInstance(options);
    const { isLoggedIn, environmentName, loginError, spend } = payments;
    const said = [payments instanceof Payments, isLoggedIn, environmentName, loginError, payments.getAccountAddress(), payments.getOrganizationId(), String(spend.credits),
      payments.exportReceipts(), (await payments) === payments];
    payments.logout();
    said.push(payments.isLoggedIn, payments.getAccountAddress(), payments.environmentName);
    console.log(JSON.stringify(said));`;
  const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', code]);
  assert.deepEqual(JSON.parse(stdout), [true, true, 'custom', null, ME, 'org-1', '0', '[]', true, false, null, 'custom']);
});

test('options are checked at once', () => {
  for (const [options, message] of [
    [{}, 'nvmApiKey is missing'],
    [undefined, 'nvmApiKey is missing'],
    ['x', 'options must be an object'],
    [{ nvmApiKey: KEY }, 'backend is missing'],
    [{ nvmApiKey: KEY, ...PLACE, environment: 'production' }, "environment must be 'sandbox', 'live', 'staging_sandbox', 'staging_live' or 'custom'"],
    [{ nvmApiKey: KEY, ...PLACE, approve: true }, 'approve must be a function'],
  ]) assert.throws(() => Payments.getInstance(options), { name: 'PaymentsError', code: 'validation', message });
  assert.throws(() => new Payments(), { code: 'validation' });
  assert.throws(() => Payments.getBrowserInstance({ returnUrl: '/' }), { code: 'browser_only' });
});

describe('a key is read by the class, in the first line', () => {
  const all = {
    plain: [KEY, true], 'no prefix': [keyOf({ sub: ME }, ''), true], 'no account': [keyOf({}), true], 'account null': [keyOf({ sub: null }), true],
    'an end': [keyOf({ sub: ME, exp: 9 }), true], 'upper case prefix': [keyOf({ sub: ME }, 'LIVE:'), true], 'staging prefix': [keyOf({}, 'live-Staging:'), true],
    'text beyond ASCII': [keyOf({ sub: 'ü' }), true], 'empty segments': [`local:.${part({})}.`, true], 'a colon in a segment': [`local:a.${part({})}.b:c`, true],
    padded: [`local:a.${Buffer.from('{ }').toString('base64')}=.b`, true],
    nothing: ['', false], 'a prefix': ['sandbox:', false], 'one part': ['sandbox:abc', false], 'two parts': ['sandbox:a.b', false], 'four parts': ['a.e30.c.d', false],
    'no base64': ['sandbox:a.!!.c', false], 'no JSON': ['sandbox:a.YWJj.c', false], 'a list': [keyOf('[]'), false], 'JSON null': [keyOf('null'), false], 'a number for an account': [keyOf({ sub: 7 }), false],
    'quotes around': [`"${KEY}"`, false], 'single quotes around': [`'${KEY}'`, false],
    'a newline behind': [`${KEY}\n`, false], 'a space in front': [` ${KEY}`, false], 'a zero-width space behind': [`${KEY}\u200b`, false], 'letters that are not ASCII': [`local:ä.${part({})}.c`, false],
    'too large': [`local:a.${part({ sub: 'x'.repeat(9000) })}.c`, false], 'no UTF-8': [`local:a.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.c`, false],
    'colon after the parts': ['a.e30.c:x', false],
  };
  for (const [name, [key, good]] of Object.entries(all)) {
    test(name, () => {
      const made = () => Payments.getInstance({ nvmApiKey: key, environment: 'sandbox', ...PLACE });
      if (good) {
        made();
        return;
      }
      assert.throws(made, (error) => error.code === 'validation' && /^nvmApiKey /.test(error.message) && error.hint !== undefined && !(key && error.stack.includes(key)));
    });
  }

  test('whose it is and where it leads', () => {
    for (const [prefix, environment] of [['sandbox:', 'sandbox'], ['LIVE:', 'live'], ['sandbox-staging:', 'staging_sandbox'], ['live-Staging:', 'staging_live'], ['nvm:', 'custom'], ['', 'custom'], ['constructor:', 'custom']]) {
      const payments = Payments.getInstance({ nvmApiKey: keyOf({ sub: ME }, prefix), backend: PLACE.backend });
      assert.deepEqual([payments.environmentName, payments.getAccountAddress()], [environment, ME], prefix);
    }
    assert.equal(Payments.getInstance({ nvmApiKey: keyOf({ sub: ME }, 'sandbox:'), environment: 'live' }).environmentName, 'sandbox', 'a prefix wins');
  });
});

describe('while the wasm is on its way', () => {
  const options = (more) => ({ nvmApiKey: KEY, ...PLACE, ...more });

  test('it is asked for by the first call, once, and all calls wait for it', async () => {
    const { Payments: Slow, arrive, tries } = slow();
    const sent = [];
    const payments = Slow.getInstance(options({ fetch: async (request) => { sent.push(new URL(request.url).pathname); return Response.json({ id: '1' }); } }));
    assert.equal(tries.length, 0);
    const calls = [payments.plans.getPlan('1'), payments.agents.getAgent('2'), payments.fetch(URL_OF_SELLER)];
    assert.equal(tries.length, 1);
    arrive();
    await Promise.all(calls);
    assert.deepEqual(sent.sort(), ['/api/v1/protocol/agents/2', '/api/v1/protocol/plans/1', '/ask']);
    assert.equal(tries.length, 1);
  });

  test('what a fetch is given is read when it is called', async () => {
    const { Payments: Slow, arrive } = slow();
    const requests = [];
    const payments = Slow.getInstance(options({ fetch: async (request) => { requests.push([request.method, await request.text(), request.headers.get('x-mine')]); return new Response('ok'); } }));
    const init = { method: 'POST', body: 'first', headers: { 'x-mine': '1' } };
    const call = payments.fetch(URL_OF_SELLER, init);
    Object.assign(init, { method: 'PUT', body: 'second' });
    init.headers['x-mine'] = '2';
    arrive();
    await call;
    assert.deepEqual(requests, [['POST', 'first', '1']]);
  });

  for (const by of ['logout', 'abort']) {
    test(`${by} ends a fetch, and nothing is sent`, async () => {
      const { Payments: Slow, arrive } = slow();
      const sent = [];
      const payments = Slow.getInstance(options({ fetch: async (request) => { sent.push(request.url); return new Response('ok'); } }));
      const stop = new AbortController();
      const call = failure(payments.fetch(URL_OF_SELLER, { signal: stop.signal }));
      await new Promise((done) => setTimeout(done, 5));
      if (by === 'logout') payments.logout();
      else stop.abort(new Error('enough'));
      if (by === 'logout') arrive();
      const error = await call;
      assert.equal(error.code, by === 'logout' ? 'session_ended' : 'aborted');
      assert.equal(error.spend.outcome, 'none');
      if (by === 'abort') assert.deepEqual([error.name, error.cause.message], ['AbortError', 'enough']);
      assert.deepEqual(sent, []);
    });
  }

  test('an organization that is set is the one of the first call', async () => {
    const { Payments: Slow, arrive } = slow();
    let organization;
    const payments = Slow.getInstance(options({ organizationId: 'org-1', fetch: async (request) => { organization = request.headers.get('x-current-organization-id') ?? [...request.headers].join(); return Response.json([]); } }));
    payments.setOrganizationId('org-2');
    const call = payments.delegation.listPaymentMethods();
    arrive();
    await call;
    assert.match(organization, /org-2/);
    assert.throws(() => payments.setOrganizationId('a b'), { code: 'validation', message: 'organizationId must be an id' });
  });

  test('a load that fails is told, and the next call tries again', async () => {
    const { Payments: Slow, arrive, tries } = slow();
    tries.fail = 2;
    arrive();
    const payments = Slow.getInstance(options({ fetch: async () => Response.json({ id: '1' }) }));
    assert.equal((await failure(payments.plans.getPlan('1'))).message, 'not today');
    assert.equal((await failure(payments.ready())).message, 'not today');
    assert.equal((await payments.plans.getPlan('1')).id, '1');
    assert.equal(await payments.ready(), payments);
    assert.equal(tries.length, 3);
  });
});

test('an instance that nobody holds is collected, with its part of the wasm', async () => {
  const code = `
    const { Payments } = await import(${JSON.stringify(dist('subscriber', 'index.js'))});
    let gone = 0;
    const registry = new FinalizationRegistry(() => { gone += 1; });
    for (let times = 0; times < 100; times += 1) {
      const payments = await Payments.getInstance(${JSON.stringify({ nvmApiKey: KEY, ...PLACE })}).ready();
      registry.register(payments);
    }
    for (let times = 0; times < 10; times += 1) { gc(); await new Promise((done) => setTimeout(done, 20)); }
    console.log(gone);`;
  const { stdout } = await exec(process.execPath, ['--expose-gc', '--input-type=module', '-e', code]);
  assert.ok(Number(stdout) >= 95, `${stdout} of 100`);
});
