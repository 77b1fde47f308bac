// Whatever `fetch` takes, paid for: each kind of input and body arrives the same both times, and what comes back is untouched.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { failure, need, offerOf, pause, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
let payments;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller();
  payments = await platform.buyer({ approve: () => ({ approve: true, remember: true }) });
});
after(async () => {
  await seller?.stop();
  await platform?.stop();
});

const sell = async ({ token }, response) => (token
  ? response.writeHead(200, { 'payment-response': await platform.settle(token, 1) }).end('the answer') : need(response, offerOf(platform.planId, 1)));
let place = 0;
/** A URL of which no terms are known yet. */
const fresh = () => `${seller.url}/ask/${++place}?q=%C3%BC#part`;

const bytes = new Uint8Array([0, 1, 2, 128, 255, 10, 13]);
const stream = (...chunks) => new ReadableStream({ start(controller) { chunks.forEach((chunk) => controller.enqueue(chunk)); controller.close(); } });
const form = () => {
  const form = new FormData();
  form.append('question', 'what? ü');
  form.append('file', new Blob([bytes], { type: 'image/png' }), 'a.png');
  return form;
};
const BODIES = {
  'a string': ['ü', 'ü', 'text/plain;charset=UTF-8'],
  'an ArrayBuffer': [bytes.buffer.slice(0), bytes, undefined],
  'a Uint8Array': [bytes, bytes, undefined],
  'a part of a buffer': [new Uint8Array(bytes.buffer, 2, 3), bytes.slice(2, 5), undefined],
  'a Float64Array': [new Float64Array([1.5]), new Uint8Array(new Float64Array([1.5]).buffer), undefined],
  'a DataView': [new DataView(bytes.buffer, 1, 4), bytes.slice(1, 5), undefined],
  'a Blob': [new Blob([bytes], { type: 'image/png' }), bytes, 'image/png'],
  'URLSearchParams': [new URLSearchParams({ a: '1 2', b: 'ü' }), 'a=1+2&b=%C3%BC', 'application/x-www-form-urlencoded;charset=UTF-8'],
  'FormData': [form(), undefined, /^multipart\/form-data; boundary=/],
  'a stream': [() => stream(bytes, bytes), Buffer.concat([bytes, bytes]), undefined],
  'an empty string': ['', '', 'text/plain;charset=UTF-8'],
  'nothing': [undefined, '', undefined],
};

describe('a body of any kind arrives whole, both times', () => {
  for (const [name, [given, expected, type]] of Object.entries(BODIES)) {
    for (const by of ['init', 'Request']) {
      test(`${name}, by ${by}`, async () => {
        seller.answer = sell;
        const from = seller.requests.length;
        const body = typeof given === 'function' ? given() : given;
        const init = { method: 'POST', body, headers: { 'x-own': 'mine' }, ...(typeof given === 'function' && { duplex: 'half' }) };
        const url = fresh();
        const { response, spend } = await (by === 'init' ? payments.fetch(url, init) : payments.fetch(new Request(url, init)));
        assert.equal(await response.text(), 'the answer');
        assert.equal(spend.outcome, 'settled');
        const [first, second, ...rest] = seller.requests.slice(from);
        assert.equal(rest.length, 0);
        assert.deepEqual([first.token === undefined, second.token === undefined], [true, false]);
        for (const one of [first, second]) {
          assert.deepEqual([one.method, `${seller.url}${one.url}`, one.headers['x-own']], ['POST', url.split('#')[0], 'mine']);
          if (expected !== undefined) assert.deepEqual(one.body, Buffer.from(expected));
          else for (const part of ['what? ü', 'filename="a.png"', 'image/png']) assert.ok(one.body.includes(part), part);
          if (type instanceof RegExp) assert.match(one.headers['content-type'], type);
          else assert.equal(one.headers['content-type'], type);
        }
      });
    }
  }

  test('an URL object, and a URL of an object with toString', async () => {
    seller.answer = sell;
    for (const make of [(url) => new URL(url), (url) => ({ toString: () => url })]) assert.equal((await payments.fetch(make(fresh()))).response.status, 200);
  });

  test('a stream is kept up to a megabyte; what is longer is let go before anything is sent', async () => {
    seller.answer = sell;
    const part = new Uint8Array(256 * 1024);
    const fits = await payments.fetch(fresh(), { method: 'POST', body: stream(part, part, part, part), duplex: 'half' });
    assert.equal(fits.response.status, 200);
    assert.equal(seller.requests.at(-1).body.length, 1024 * 1024);
    const sent = seller.requests.length;
    let let_go = false;
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(part), cancel: () => { let_go = true; } });
    const error = await failure(payments.fetch(fresh(), { method: 'POST', body: endless, duplex: 'half' }));
    assert.deepEqual([error.code, error.spend.outcome, let_go, seller.requests.length], ['body_not_replayable', 'none', true, sent]);
    const large = await payments.fetch(fresh(), { method: 'POST', body: new Uint8Array(5_000_000) });
    assert.deepEqual([large.response.status, seller.requests.at(-1).body.length], [200, 5_000_000], 'a buffer has no bound');
  });
});

describe('what is given is taken at the call, before the engine is loaded', () => {
  test('a request that changes afterwards is sent as it was', async () => {
    seller.answer = (_, response) => response.end('free');
    const cold = await platform.buyer();
    const url = new URL(fresh());
    const init = { method: 'POST', headers: new Headers({ 'x-own': 'mine' }), body: 'before' };
    const called = cold.fetch(url, init);
    url.pathname = '/elsewhere';
    init.method = 'DELETE';
    init.headers.set('x-own', 'changed');
    init.body = 'after';
    await called;
    const { method, url: path, headers, body } = seller.requests.at(-1);
    assert.deepEqual([method, path.split('?')[0], headers['x-own'], String(body)], ['POST', `/ask/${place}`, 'mine', 'before']);
  });

  test('and so it is through a wrapped fetch, whose file is loaded by the first call', async () => {
    seller.answer = sell;
    const wrapped = payments.wrapFetch();
    const url = new URL(fresh());
    const body = new Uint8Array([65, 66]);
    const init = { method: 'POST', headers: new Headers({ 'x-own': 'mine' }), body };
    const from = seller.requests.length;
    const called = wrapped(url, init);
    url.pathname = '/elsewhere';
    body.fill(90);
    init.headers.set('x-own', 'changed');
    Object.assign(init, { method: 'DELETE', body: 'after' });
    assert.equal((await called).status, 200);
    const sent = seller.requests.slice(from).map(({ method, url: path, headers, body: one }) => [method, path.split('?')[0], headers['x-own'], String(one)]);
    assert.deepEqual(sent, Array(2).fill(['POST', `/ask/${place}`, 'mine', 'AB']));
  });

  test('a body that changes after the call, or is given away, is sent both times as it was', async () => {
    const form = new FormData();
    form.append('a', '1');
    const query = new URLSearchParams({ a: '1' });
    const view = new Uint8Array([0, 65, 66, 0]).subarray(1, 3);
    const { buffer } = new Uint8Array([65, 66]);
    let told = 0;
    const list = ['a'];
    const cases = [
      [{ toString: () => `text ${told += 1}` }, 'text 1', () => {}], [list, 'a', () => list.push('b')],
      [view, 'AB', () => view.fill(90)], [buffer, 'AB', () => structuredClone(buffer, { transfer: [buffer] })],
      [new DataView(view.buffer, 1, 2), 'AB', () => view.fill(90)], [query, 'a=1', () => query.append('b', '2')],
      [form, /name="a"\r\n\r\n1\r\n--[^\r]*--\r\n$/, () => form.append('b', '2')],
    ];
    for (const [body, expected, change] of cases) {
      view.set([65, 66]);
      const from = seller.requests.length;
      // It changes when the price is told, before the paid request.
      seller.answer = (one, response) => {
        if (!one.token) change();
        return sell(one, response);
      };
      const { spend } = await payments.fetch(fresh(), { method: 'POST', body });
      const sent = seller.requests.slice(from).map((one) => String(one.body));
      assert.equal(spend.outcome, 'settled');
      assert.equal(sent.length, 2);
      for (const text of sent) expected instanceof RegExp ? assert.match(text, expected) : assert.equal(text, expected);
    }
  });

  test('a method, a mode and the like of an object with a text of its own are the text at the call', async () => {
    const changing = (first, next) => {
      let told = 0;
      return { toString: () => ((told += 1) === 1 ? first : next) };
    };
    seller.answer = sell;
    for (const call of [payments.fetch, payments.wrapFetch()]) {
      const from = seller.requests.length;
      await call.call(payments, fresh(), { method: changing('POST', 'DELETE'), redirect: changing('follow', 'error'), cache: changing('no-store', 'none'), body: 'mine' });
      assert.deepEqual(seller.requests.slice(from).map(({ method, token }) => [method, token !== undefined]), [['POST', false], ['POST', true]]);
    }
  });

  test('a wrapped fetch knows a repeated request whose method is an object', async () => {
    const url = fresh();
    const presented = [];
    seller.answer = async (request, response) => {
      if (!request.token) return sell(request, response);
      if (presented.push(request.token) > 1) return response.end('the answer after all');
      await platform.settle(request.token, 1);
      response.destroy();
    };
    const paying = (await platform.buyer({ tokenVersion: 3 })).wrapFetch();
    const ask = () => paying(url, { method: { toString: () => 'POST' }, body: 'mine' });
    await assert.rejects(ask());
    await ask();
    assert.deepEqual([presented.length, presented[1]], [2, presented[0]]);
  });

  test('the body of a Request is the call\'s at once', async () => {
    seller.answer = (_, response) => response.end('free');
    const cold = await platform.buyer();
    const request = new Request(fresh(), { method: 'POST', body: 'mine' });
    const called = cold.fetch(request);
    await assert.rejects(request.text(), TypeError);
    await called;
    assert.equal(String(seller.requests.at(-1).body), 'mine');
    const error = await failure((await platform.buyer()).fetch(request));
    assert.deepEqual([error.code, error.cause instanceof TypeError, error.hint !== ''], ['invalid_request', true, true]);
  });

  test('a logout while the engine is loaded ends it', async () => {
    const cold = await platform.buyer();
    const called = cold.fetch(fresh());
    cold.logout();
    const sent = seller.requests.length;
    assert.equal((await failure(called)).code, 'session_ended');
    assert.equal(seller.requests.length, sent);
  });
});

describe('what is no 402, and what was paid for, is the seller’s own response', () => {
  test('the same object, not yet read, with its url and redirects', async () => {
    const given = [];
    const kept = async (request) => { const response = await fetch(request); given.push(response); return response; };
    seller.answer = ({ url, token }, response) => {
      if (url === '/from') return response.writeHead(302, { location: '/free' }).end();
      return url === '/free' ? response.end('free') : sell({ token }, response);
    };
    const free = await payments.fetch(`${seller.url}/from`, {}, { fetch: kept });
    assert.deepEqual([free.response === given.at(-1), free.response.bodyUsed, free.response.url, free.response.redirected], [true, false, `${seller.url}/free`, true]);
    const paid = await payments.fetch(fresh(), {}, { fetch: kept });
    assert.deepEqual([paid.response === given.at(-1), paid.response.bodyUsed, paid.response.type], [true, false, 'basic']);
  });

  test('redirect: "manual" gives the redirect, "error" fails, whether it is paid or not', async () => {
    for (const when of ['before', 'after']) {
      seller.answer = async ({ token }, response) => {
        if (!token && when === 'after') return need(response, offerOf(platform.planId, 1));
        return response.writeHead(302, { location: '/elsewhere' }).end();
      };
      const { response, spend } = await payments.fetch(fresh(), { redirect: 'manual' });
      assert.deepEqual([response.status, response.headers.get('location')], [302, '/elsewhere']);
      assert.equal(spend.outcome, when === 'before' ? 'none' : 'unknown');
      const error = await failure(payments.fetch(fresh(), { redirect: 'error' }));
      assert.equal(error.code, when === 'before' ? 'network_error' : 'redirected_while_paying');
    }
  });

  test('a stream is there while the seller still writes, and an abort ends it', async () => {
    let gone = false;
    seller.answer = async ({ token }, response) => {
      if (!token) return need(response, offerOf(platform.planId, 1));
      response.writeHead(200, { 'content-type': 'text/event-stream', 'payment-response': await platform.settle(token, 1) }).write('data: one\n\n');
      response.on('close', () => { gone = true; });
    };
    const stop = new AbortController();
    const { response } = await payments.fetch(fresh(), { signal: stop.signal });
    const reader = response.body.getReader();
    assert.equal(Buffer.from((await reader.read()).value).toString(), 'data: one\n\n');
    stop.abort();
    await assert.rejects(reader.read());
    for (let tries = 0; !gone && tries < 1000; tries++) await pause(20);
    assert.ok(gone);
  });
});

describe('an abort, at every step, ends the fetch with the reason and what was spent', () => {
  // At each event, and where the seller is silent.
  const steps = ['request', 'offer', 'consent', 'order', 'mint', 'paid', 'silence before', 'silence after', 'asking'];
  for (const at of steps) {
    test(`at: ${at}`, async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const stop = () => controller.abort(reason);
      seller.answer = ({ token }, response) => {
        if (at === (token ? 'silence after' : 'silence before')) return setTimeout(stop, 20);
        return sell({ token }, response);
      };
      const buyer = await platform.buyer({
        approve: async (_, context) => {
          if (at === 'asking') {
            setTimeout(stop, 20);
            return new Promise(() => {});
          }
          await context.balance();
          return { approve: true, purchase: true };
        },
        onEvent: ({ type }) => { if (type === at) stop(); },
      }, { credits: at !== 'order' });
      const before = seller.paid();
      const error = await failure(buyer.fetch(fresh(), { method: 'POST', body: 'x', signal: controller.signal }));
      assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'aborted', reason]);
      const paid = at === 'silence after';
      // The callback for the token runs just before the request is sent, which then is not sent: nothing counts.
      const { outcome, creditsPresented, payment } = error.spend;
      assert.deepEqual([outcome, creditsPresented > 0n, payment !== undefined], [paid ? 'unknown' : 'none', paid, paid]);
      assert.equal(seller.paid() - before, paid ? 1 : 0);
      assert.equal(error.spend.purchases.length, at === 'order' ? 1 : 0);
      if (at !== 'order') assert.equal(await buyer.held(), 100n);
    });
  }
});
