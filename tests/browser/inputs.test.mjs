// Inputs of a page to `payments.fetch`, and a stream as the response: in a real Chromium, across origins, through a
// gate.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, describe, test } from 'node:test';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';
import { open, sandbox, site } from './static-server.mjs';

let origin;
let gate;
let planId;
/** Requests that reached the origin, and its behaviour. */
const requests = [];
let answer;

/** Starts the seller's side, once. */
async function sell() {
  const seller = await client(sandbox.url).open('A seller');
  planId = await seller.plan();
  origin = createServer(async (request, response) => {
    const parts = [];
    const one = { method: request.method, url: request.url, headers: request.headers, gone: false };
    response.on('close', () => { one.gone = !response.writableFinished; });
    for await (const part of request) parts.push(part);
    requests.push(Object.assign(one, { body: Buffer.concat(parts) }));
    answer(one, response);
  });
  await new Promise((done) => origin.listen(0, '127.0.0.1', done));
  const route = { planId, credits: 1 };
  gate = await startPaywall({
    origin: `http://127.0.0.1:${origin.address().port}`, api: sandbox.url, key: seller.key,
    routes: { routes: { 'POST /ask': route, 'GET /stream': route }, unlisted: 'deny', allowedOrigins: [site.url] },
  });
}
after(async () => {
  await gate?.stop();
  origin?.closeAllConnections();
  origin?.close();
});

/** A page of somebody who has a hundred credits and, unless they are to say so with each payment, pays this gate up to fifty of them. */
async function buyer({ says = false } = {}) {
  if (!gate) await sell();
  const account = await client(sandbox.url).open('A buyer');
  await account.order(planId);
  const delegationConfig = { delegationId: await account.delegation() };
  const page = await open('/app', { nvmApiKey: account.key, delegationConfig, ...(!says && { policy: { origins: [gate.url], maxCreditsTotal: 50 } }) });
  await page.evaluate((url) => { window.gate = url; }, gate.url);
  return { page, held: () => account.balance(planId) };
}

const BODIES = {
  'a string': ["'ü'", 'ü', 'text/plain;charset=UTF-8'],
  'an ArrayBuffer': ['new Uint8Array([0, 255]).buffer', [0, 255]],
  'a typed array': ['new Uint16Array([258])', [2, 1]],
  'a DataView': ['new DataView(new Uint8Array([1, 2, 3]).buffer, 1)', [2, 3]],
  'a Blob': ["new Blob(['png'], { type: 'image/png' })", 'png', 'image/png'],
  'URLSearchParams': ["new URLSearchParams({ a: '1 2' })", 'a=1+2', 'application/x-www-form-urlencoded;charset=UTF-8'],
  'FormData': ["(() => { const form = new FormData(); form.append('a', 'ü'); return form; })()", undefined, /^multipart\/form-data; boundary=/],
  'a stream': ["new Blob(['one ', 'two']).stream()", 'one two'],
};

describe('a body of any kind arrives whole at the origin', () => {
  for (const [name, [code, expected, type]] of Object.entries(BODIES)) {
    test(name, async () => {
      answer = (_, response) => response.end('the answer');
      const { page, held } = await buyer();
      for (const by of ['init', 'Request', 'URL']) {
        requests.length = 0;
        const outcome = await page.evaluate(async ([body, how]) => {
          const init = { method: 'POST', body: new Function(`return ${body}`)(), duplex: 'half' };
          const url = `${window.gate}/ask?by=${how}`;
          const given = { init: [url, init], Request: [new Request(url, init)], URL: [new URL(url), init] }[how];
          const { response, spend } = await window.payments.fetch(...given).catch((error) => error);
          return { text: await response?.text(), url: response?.url, outcome: spend.outcome };
        }, [code, by]);
        // The page has not opened its stream to HTTP/1.1 by itself: it was kept, and sent as a buffer.
        assert.deepEqual(outcome, { text: 'the answer', url: `${gate.url}/ask?by=${by}`, outcome: 'settled' }, by);
        assert.equal(requests.length, 1);
        const [one] = requests;
        if (expected !== undefined) assert.deepEqual(one.body, Buffer.from(expected));
        else assert.ok(one.body.includes('ü'));
        if (type instanceof RegExp) assert.match(one.headers['content-type'], type);
        else if (type) assert.equal(one.headers['content-type'], type);
      }
      assert.equal(await held(), '97');
    });
  }
});

test('the first event of a stream is in the page while the origin still writes; an abort ends it', async () => {
  let finish;
  answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).write('data: one\n\n');
    finish = () => {
      response.write('data: two\n\n');
      // The gate notices that nobody reads any more when there is something to hand on.
      const more = setInterval(() => response.write(': more\n\n'), 50);
      response.on('close', () => clearInterval(more));
    };
  };
  const { page, held } = await buyer();
  requests.length = 0;
  const first = await page.evaluate(async () => {
    window.stop = new AbortController();
    const { response, receipt } = await window.payments.fetch(`${window.gate}/stream`, { signal: window.stop.signal }, { timeouts: { send: 30_000 } });
    window.reader = response.body.getReader();
    const { value } = await window.reader.read();
    return [response.headers.get('content-type'), new TextDecoder().decode(value), String(receipt.creditsRedeemed)];
  });
  assert.deepEqual(first, ['text/event-stream', 'data: one\n\n', '1']);
  assert.equal(requests[0].gone, false, 'and the origin has not ended');
  finish();
  assert.equal(await page.evaluate(async () => new TextDecoder().decode((await window.reader.read()).value)), 'data: two\n\n');
  assert.equal(await page.evaluate(() => { window.stop.abort(); return window.reader.read().catch(({ name }) => name); }), 'AbortError');
  for (let tries = 0; !requests[0].gone && tries < 1000; tries++) await new Promise((done) => setTimeout(done, 20));
  assert.equal(requests[0].gone, true, 'nobody writes for nobody');
  assert.equal(await held(), '99');
});

test('in a page too, a seller that says nothing to a payment is given up, and gone on with', async () => {
  answer = () => {};
  const { page, held } = await buyer();
  const silent = await page.evaluate(async () => {
    window.silent = await window.payments.fetch(`${window.gate}/stream`, {}, { timeouts: { send: 700 } }).catch((error) => error);
    return [window.silent instanceof window.sdk.OutcomeUnknown, window.silent.code, window.silent.spend.outcome];
  });
  assert.deepEqual(silent, [true, 'send_timeout', 'unknown']);
  answer = (_, response) => response.end('the answer');
  const outcome = await page.evaluate(async () => {
    const { response, spend } = await window.payments.fetch(`${window.gate}/stream`, {}, { resume: window.silent });
    return [await response.text(), spend.outcome];
  });
  assert.deepEqual(outcome, ['the answer', 'settled']);
  assert.equal(await held(), '99', 'the first was never settled');
});

test('a dialog is told when it is of no use any more', async () => {
  const { page } = await buyer();
  const result = await page.evaluate(async () => {
    let signal;
    const approve = (_, context) => { signal = context.signal; return new Promise(() => {}); };
    const error = await window.payments.fetch(`${window.gate}/ask`, { method: 'POST' }, { approve, timeouts: { approve: 100 } }).catch((error) => error);
    return [error.code, error.spend.outcome, signal.aborted];
  });
  assert.deepEqual(result, ['approve_timeout', 'none', true]);
});

test('across origins: what is an offer, whose it is, and that nobody who was not named is paid', async () => {
  const asked = [];
  const shop = createServer((request, response) => {
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*', 'content-type': 'application/json' };
    if (request.method === 'OPTIONS') return response.writeHead(204, headers).end();
    asked.push([request.url, 'payment-signature' in request.headers]);
    const here = `http://127.0.0.1:${shop.address().port}`;
    const offer = (url) => ({ x402Version: 2, resource: { url }, accepts: [{ scheme: 'nvm:erc4337', network: 'eip155:84532', planId, extra: { version: '1', credits: '1' } }], extensions: {} });
    const body = { '/plain': { error: 'Payment Required' }, '/body': offer(`${here}/body`), '/elsewhere': offer(`${gate.url}/ask`), '/path': offer('/path') }[request.url];
    // None of its headers is exposed.
    return response.writeHead(402, { ...headers, 'payment-required': Buffer.from(JSON.stringify(body)).toString('base64') }).end(JSON.stringify(body));
  });
  await new Promise((done) => shop.listen(0, '127.0.0.1', done));
  try {
    const { page, held } = await buyer({ says: true });
    const here = `http://127.0.0.1:${shop.address().port}`;
    await sandboxForgets();
    const fetched = (path, policy) => page.evaluate(async ([url, policy]) => {
      const end = await window.payments.fetch(url, {}, { policy }).catch((error) => error);
      return [end.code, end.response.status, end.spend.outcome, await end.response.json().then(() => 'readable')];
    }, [here + path, policy]);
    for (const [path, origins, code] of [
      ['/plain', [here], undefined], ['/body', [gate.url], 'no_payable_offer'], ['/body', [], 'consent_required'], ['/elsewhere', ['*'], 'resource_mismatch'],
    ]) assert.deepEqual(await fetched(path, { origins }), [code, 402, 'none', 'readable'], `${path} ${origins}`);
    assert.deepEqual(asked.map(([url, token]) => [url, token]), [['/plain', false], ['/body', false], ['/body', false], ['/elsewhere', false]]);
    assert.deepEqual(await platformCalls(), [], 'nobody was asked for a token, a plan or a balance');
    // A named origin is paid once, and a refused request is not paid again.
    for (const path of ['/body', '/path']) assert.deepEqual(await fetched(path, { origins: [here] }), ['payment_refused', 402, 'unknown', 'readable']);
    assert.deepEqual(asked.slice(4), [['/body', false], ['/body', true], ['/path', false], ['/path', true]]);
    assert.equal(await held(), '100');
  } finally {
    shop.closeAllConnections();
    shop.close();
  }
});

const sandboxForgets = () => fetch(`${sandbox.url}/sandbox/calls`, { method: 'DELETE' });
const platformCalls = async () => (await (await fetch(`${sandbox.url}/sandbox/calls`)).json()).filter(({ method }) => method !== 'OPTIONS').map(({ path }) => path);
