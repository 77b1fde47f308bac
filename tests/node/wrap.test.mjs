// `wrapFetch` under clients that send a request again by themselves, as they are published, against a real sandbox: whatever
// they do, a payment is settled once, and a no is not asked for again.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import ky from 'ky';
import OpenAI from 'openai';
import { base64, failure, need, offerOf, pause, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform?.stop());

const ANSWER = { id: 'c1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'the answer' } }] };
/** Each client with its own defaults: how it asks once, and how it is given a signal. */
const CLIENTS = {
  async openai(url, fetch, options) {
    const client = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, fetch, logLevel: 'off' });
    return (await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'why?' }] }, options)).choices[0].message.content;
  },
  async ky(url, fetch, options) {
    return (await ky.get(`${url}/v1/answers?q=why`, { fetch, ...options }).json()).choices[0].message.content;
  },
  async 'ky with a body'(url, fetch, options) {
    return (await ky.post(`${url}/v1/answers`, { json: { q: 'why?' }, fetch, retry: { limit: 2, methods: ['post'] }, ...options }).json()).choices[0].message.content;
  },
};

/** A seller of its own for one test: what carries a token is answered so, and all else with the terms. */
async function setUp(t, paid, options) {
  const seller = await startSeller((request, response, requests) => (request.token ? paid(request, response, requests) : need(response, offerOf(platform.planId))));
  t.after(() => seller.stop());
  const payments = await platform.buyer(options);
  const responses = [];
  const wrapped = payments.wrapFetch();
  const fetch = async (...given) => {
    const response = await wrapped(...given);
    responses.push(response);
    return response;
  };
  return { seller, payments, fetch, responses, ask: (name, more) => CLIENTS[name](seller.url, fetch, more), tokens: () => seller.requests.flatMap(({ token }) => token ?? []) };
}

/** Takes the credits of each token it has not seen, and then fails so. */
const settleThenFail = (how) => {
  const settled = new Map();
  return async ({ token }, response) => {
    if (!settled.has(token)) settled.set(token, await platform.settle(token));
    if (how === 'lost') return response.destroy();
    response.writeHead(how, { 'retry-after-ms': '1' }).end('oops');
  };
};

describe('a payment that was settled, and whose answer failed, is settled once', { concurrency: 6 }, () => {
  for (const name of Object.keys(CLIENTS)) {
    for (const how of ['lost', 500, 503, 429, 409, 408]) {
      for (const tokenVersion of [3, 2]) {
        test(`${name}: ${how}, tokenVersion ${tokenVersion}`, async (t) => {
          const { payments, ask, tokens, responses } = await setUp(t, settleThenFail(how), { tokenVersion });
          const error = await failure(ask(name));
          assert.equal(new Set(tokens()).size, 1, 'one token');
          // ky takes a 409 for final.
          const retries = how === 409 && name.startsWith('ky') ? 0 : 2;
          assert.equal(tokens().length, tokenVersion === 3 ? 1 + retries : 1, 'a single-use token is sent again, a reusable one is not');
          assert.equal(100n - await payments.held(), 2n, 'the ledger');
          assert.equal(payments.spend.credits, 2n, 'the budget');
          if (how === 'lost') assert.ok(!(error instanceof assert.AssertionError), error.message);
          else {
            assert.equal(error.status ?? error.response?.status, how, 'the earlier outcome');
            assert.equal(responses.length, 1 + retries, 'the client did repeat');
          }
        });
      }
    }

    test(`${name}: a seller that knows the token answers after all`, async (t) => {
      const receipts = new Map();
      const { payments, ask, tokens, responses } = await setUp(t, async ({ token }, response) => {
        if (receipts.has(token)) return response.writeHead(200, { 'content-type': 'application/json', 'payment-response': receipts.get(token) }).end(JSON.stringify(ANSWER));
        receipts.set(token, await platform.settle(token));
        response.destroy();
      }, { tokenVersion: 3 });
      assert.equal(await ask(name), 'the answer');
      assert.deepEqual([new Set(tokens()).size, tokens().length], [1, 2]);
      assert.deepEqual([await payments.held(), payments.spend.credits], [98n, 2n]);
      const { receipt, spend, error } = payments.paymentOf(responses.at(-1));
      assert.deepEqual([receipt.success, spend.outcome, spend.singleUse, error], [true, 'settled', true, undefined]);
    });

    test(`${name}: a seller that refuses the spent token is not paid with another`, async (t) => {
      const { payments, ask, tokens } = await setUp(t, async ({ token }, response, requests) => {
        if (requests.filter((one) => one.token).length > 1) return need(response, offerOf(platform.planId));
        await platform.settle(token);
        response.destroy();
      }, { tokenVersion: 3 });
      const error = await failure(ask(name));
      assert.equal(error.status ?? error.response?.status, 402);
      assert.deepEqual([new Set(tokens()).size, tokens().length, await payments.held()], [1, 2, 98n]);
    });
  }
});

describe('a payment that was settled and then refused is settled once, though the client is told to repeat it', { concurrency: 6 }, () => {
  const retryHeaders = { 'x-should-retry': 'true', 'retry-after-ms': '1', 'retry-after': '0' };
  const refusals = {
    401: (response) => response.writeHead(401, retryHeaders).end('who?'),
    '402 alone': (response) => response.writeHead(402, retryHeaders).end('pay'),
    '402 with the offer': (response) => response.writeHead(402, { ...retryHeaders, 'payment-required': base64(offerOf(platform.planId)) }).end('pay'),
    '402 that says that it was paid': (response) => response.writeHead(402, { ...retryHeaders, 'payment-response': base64({ success: true, transaction: '0x1', network: 'n', creditsRedeemed: '2' }) }).end(),
  };
  const retry = { limit: 2, methods: ['get', 'post'], statusCodes: [401, 402], delay: () => 1 };
  for (const name of Object.keys(CLIENTS)) {
    for (const [how, refuse] of Object.entries(refusals)) {
      for (const tokenVersion of [3, 2]) {
        test(`${name}: ${how}, tokenVersion ${tokenVersion}`, async (t) => {
          const { payments, ask, tokens, responses } = await setUp(t, async ({ token }, response) => {
            // A token for many uses is settled as often as it comes.
            await platform.seller.settle(platform.planId, token, 2);
            refuse(response);
          }, { tokenVersion });
          const error = await failure(ask(name, name === 'openai' ? undefined : { retry }));
          const status = Number(how.slice(0, 3));
          assert.equal(error.status ?? error.response?.status, status);
          assert.deepEqual([tokens().length, 100n - await payments.held(), payments.spend.credits], [1, 2n, 2n]);
          assert.ok(responses.length > 1, 'the client did repeat');
          for (const response of responses) assert.deepEqual([response.status, payments.paymentOf(response).spend], [status, payments.paymentOf(responses[0]).spend]);
        });
      }
    }
  }
});

describe('a no resolves with the seller\'s 402, and is not asked for again', { concurrency: 6 }, () => {
  // The refusing callback, the code, the requests that the seller receives.
  const noes = {
    'a person': [{ approve: () => false }, 'consent_denied', 0],
    'nobody who was asked': [{ approve: undefined }, 'consent_required', 0],
    'a policy without origins': [{ approve: undefined, policy: { maxCreditsPerRequest: 50 } }, 'consent_required', 0],
    'a limit': [{ policy: { maxCreditsPerRequest: 1 } }, 'budget_exceeded', 0],
    'a callback that throws': [{ approve: () => { throw new Error('mine'); } }, 'approve_failed', 0],
    'the seller': [{}, 'payment_refused', 1],
  };
  for (const name of Object.keys(CLIENTS)) {
    for (const [who, [options, code, presented]] of Object.entries(noes)) {
      test(`${name}: ${who}`, async (t) => {
        const { payments, seller, ask, responses } = await setUp(t, (_, response) => need(response, offerOf(platform.planId)), options);
        const error = await failure(ask(name));
        assert.equal(error.status ?? error.response?.status, 402);
        assert.deepEqual([seller.requests.length, seller.paid(), responses.length], [1 + presented, presented, 1]);
        const payment = payments.paymentOf(responses[0]);
        assert.deepEqual([payment.error.code, payment.spend.outcome], [code, presented ? 'unknown' : 'none']);
        assert.equal(await payments.held(), 100n);
      });
    }
  }

  test('a limit that is broken before the seller is asked: its 402 is got without a token', async (t) => {
    const { payments, seller, fetch } = await setUp(t, async ({ token }, response) => {
      response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok');
    }, { policy: { maxCreditsTotal: 10 } });
    const url = `${seller.url}/ask`;
    assert.equal((await fetch(url, { method: 'POST', body: 'one' })).status, 200);
    for (const given of [[url, { method: 'POST', body: 'two' }], [new Request(url, { method: 'POST', body: 'two' })]]) {
      const response = await fetch(...given);
      assert.deepEqual([response.status, payments.paymentOf(response).error.code, seller.requests.at(-1).body.toString()], [402, 'budget_exceeded', 'two']);
    }
    assert.deepEqual([seller.paid(), await payments.held()], [1, 98n]);
  });

  test('a no to the dearer offer of a refusal resolves with that refusal', async (t) => {
    let asked = 0;
    const { payments, seller, fetch } = await setUp(t, (_, response) => need(response, offerOf(platform.planId, 5), 'dearer'), { approve: () => ++asked === 1 });
    const response = await fetch(seller.url, { method: 'POST', body: 'x' });
    assert.deepEqual([response.status, await response.text()], [402, 'dearer']);
    const { error, spend } = payments.paymentOf(response);
    assert.deepEqual([error.code, spend.outcome, seller.paid(), asked], ['consent_denied', 'unknown', 1, 2]);
  });

  test('a fetch that never settles holds nobody up once it is aborted', async (t) => {
    const { payments, seller } = await setUp(t, async ({ token }, response) => {
      response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok');
    }, { policy: { maxCreditsTotal: 10 } });
    let hangs = false;
    const fetch = payments.wrapFetch((request, init) => (hangs ? new Promise(() => {}) : globalThis.fetch(request, init)));
    assert.equal((await fetch(seller.url)).status, 200);
    hangs = true;
    const controller = new AbortController();
    const given = failure(fetch(seller.url, { signal: controller.signal }), 5000);
    await pause(100);
    controller.abort();
    hangs = false;
    assert.equal((await fetch(seller.url)).status, 402);
    assert.deepEqual([(await given).code, seller.paid()], ['budget_exceeded', 1]);
  });

  test('a 402 that was never x402 is handed over as it came', async (t) => {
    const { payments, seller, fetch } = await setUp(t, () => {});
    seller.answer = (_, response) => response.writeHead(402).end('{"error":{"code":"card_declined"}}');
    const response = await fetch(seller.url);
    assert.deepEqual([response.status, await response.json()], [402, { error: { code: 'card_declined' } }]);
    assert.deepEqual([payments.paymentOf(response).error, seller.requests.length], [undefined, 1]);
  });
});

describe('what fetch itself rejects with', { concurrency: 6 }, () => {
  test('a network error before any money is a TypeError, and the client may try again', async (t) => {
    const { payments, seller, fetch, ask } = await setUp(t, async ({ token }, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'payment-response': await platform.settle(token) }).end(JSON.stringify(ANSWER));
    });
    const error = await failure(fetch('http://127.0.0.1:1/closed'));
    assert.ok(error instanceof TypeError, error.stack);
    const { answer } = seller;
    seller.answer = (request, response, requests) => (requests.length === 1 ? response.destroy() : answer(request, response, requests));
    assert.equal(await ask('openai'), 'the answer');
    assert.deepEqual([seller.paid(), await payments.held()], [1, 98n]);
  });

  for (const [when, options, paid] of [
    ['while the seller is asked', {}, undefined],
    ['while a person is asked', { approve: () => new Promise(() => {}) }, undefined],
    ['while it is paid', {}, () => {}],
  ]) {
    test(`an abort ${when} rejects with the signal's reason`, async (t) => {
      const { payments, seller, fetch } = await setUp(t, paid ?? (() => {}), options);
      if (when === 'while the seller is asked') seller.answer = () => {};
      const controller = new AbortController();
      const reason = new Error('enough');
      const fetched = failure(fetch(`${seller.url}/ask`, { method: 'POST', body: 'x', signal: controller.signal }));
      const is = () => (paid ? seller.paid() : seller.requests.length);
      for (let tries = 0; is() === 0 && tries < 500; tries++) await new Promise((done) => setTimeout(done, 10));
      await new Promise((done) => setTimeout(done, 50));
      controller.abort(reason);
      assert.equal(await fetched, reason);
      assert.equal(await payments.held(), 100n);
    });
  }

  test('a request that was aborted while it was paid is no new payment', async (t) => {
    for (const tokenVersion of [3, 2]) {
      const { payments, seller, fetch, tokens } = await setUp(t, async ({ token }) => { await platform.settle(token).catch(() => {}); }, { tokenVersion });
      for (let i = 0; i < 2; i++) await failure(fetch(`${seller.url}/ask`, { method: 'POST', body: 'x', signal: AbortSignal.timeout(400) }));
      assert.deepEqual([new Set(tokens()).size, tokens().length], [1, tokenVersion === 3 ? 2 : 1]);
      assert.deepEqual([await payments.held(), payments.spend.credits], [98n, 2n]);
    }
  });

  test('other bytes, another method or another place are another request', async (t) => {
    const { seller, payments, fetch } = await setUp(t, settleThenFail(500), { tokenVersion: 2 });
    for (const [path, method, body] of [['/a', 'POST', '1'], ['/a', 'POST', '2'], ['/a', 'PUT', '1'], ['/b', 'POST', '1']]) {
      assert.equal((await fetch(seller.url + path, { method, body })).status, 500);
      assert.equal((await fetch(new Request(seller.url + path, { method, body }))).status, 500, 'the earlier answer again');
    }
    assert.deepEqual([seller.paid(), payments.spend.credits], [4, 8n]);
  });
});

describe('a client of one\'s own that sends the same request again', { concurrency: 6 }, () => {
  /** Each: how `send` is used by it, with `hang` where the seller settles and then says nothing; the payments that are right. */
  const clients = {
    'after an abort, at once and without waiting': [async (send) => {
      for (let i = 0; i < 3; i++) {
        const controller = new AbortController();
        send({ signal: controller.signal }).catch(() => {});
        await pause(400);
        controller.abort();
      }
      await pause(200);
    }, 1, 'hang'],
    'two at once, and each of them twice more': [async (send) => { for (let i = 0; i < 3; i++) await Promise.all([failure(send()), failure(send())]); }, 2],
    'with a signal that has fired in between': [async (send) => {
      await failure(send());
      await failure(send({ signal: AbortSignal.abort() }));
      await failure(send());
    }, 1],
    'with its body as a stream': [async (send) => { for (let i = 0; i < 3; i++) await failure(send({ body: new Blob(['x']).stream(), duplex: 'half' })); }, 1],
    'with its body as an iterable': [async (send) => {
      for (let i = 0; i < 3; i++) await failure(send({ body: (async function* body() { yield new TextEncoder().encode('x'); })(), duplex: 'half' }));
    }, 1],
    'with another fragment': [async (send) => { for (let i = 0; i < 3; i++) await failure(send({}, `#${i}`)); }, 1],
    'through a fetch that is wrapped each time': [async (_, send) => { for (let i = 0; i < 3; i++) await failure(send()); }, 1],
  };
  for (const [how, [run, payments, hang]] of Object.entries(clients)) {
    for (const tokenVersion of [3, 2]) {
      test(`${how}: tokenVersion ${tokenVersion}`, async (t) => {
        const settled = new Set();
        const { seller, payments: buyer, fetch, tokens } = await setUp(t, async ({ token }, response) => {
          if (tokenVersion === 2 || !settled.has(token)) await platform.settle(settled.add(token) && token).catch(() => {});
          if (!hang) response.destroy();
        }, { tokenVersion });
        const by = (send) => (more, fragment = '') => send(`${seller.url}/ask${fragment}`, { method: 'POST', body: 'x', ...more });
        await run(by(fetch), by((...given) => buyer.wrapFetch()(...given)));
        assert.equal(new Set(tokens()).size, tokenVersion === 3 ? payments : 1, 'tokens');
        if (tokenVersion === 2) assert.equal(tokens().length, payments, 'presentations');
        assert.deepEqual([100n - await buyer.held(), buyer.spend.credits], [2n * BigInt(payments), 2n * BigInt(payments)]);
      });
    }
  }

  test('a payment that was resumed by hand is not resumed again, and not paid anew', async (t) => {
    let receipt;
    const { seller, payments, fetch } = await setUp(t, async ({ token }, response) => {
      if (receipt) return response.writeHead(200, { 'payment-response': receipt }).end('ok');
      receipt = await platform.settle(token);
      response.writeHead(500).end('oops');
    }, { tokenVersion: 3 });
    const given = [seller.url, { method: 'POST', body: 'x' }];
    const first = await fetch(...given);
    assert.equal((await payments.fetch(...given, { resume: payments.paymentOf(first) })).response.status, 200);
    for (let i = 0; i < 2; i++) {
      const again = await fetch(...given);
      assert.deepEqual([again.status, await again.text(), payments.paymentOf(again).spend], [500, 'oops', payments.paymentOf(first).spend]);
    }
    assert.deepEqual([seller.paid(), await payments.held()], [2, 98n]);
  });

  test('what was delivered without a receipt is paid for once more', async (t) => {
    for (const tokenVersion of [3, 2]) {
      const { seller, payments, fetch } = await setUp(t, async ({ token }, response) => {
        await platform.settle(token);
        response.end('ok');
      }, { tokenVersion });
      for (let i = 0; i < 2; i++) assert.equal((await fetch(seller.url, { method: 'POST', body: 'x' })).status, 200);
      assert.deepEqual([seller.paid(), payments.spend.credits, await payments.held()], [2, 4n, 96n], `tokenVersion ${tokenVersion}`);
    }
  });

  test('equal requests that nobody aborted are paid for one by one', async (t) => {
    const { seller, payments, fetch } = await setUp(t, async ({ token }, response) => {
      response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok');
    }, { tokenVersion: 3 });
    const answers = await Promise.all([1, 2, 3].map(() => fetch(seller.url, { method: 'POST', body: 'x' })));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200]);
    assert.deepEqual([new Set(seller.requests.flatMap(({ token }) => token ?? [])).size, await payments.held()], [3, 94n]);
  });

  test('a stream is sent once more without money where a limit says no', async (t) => {
    const { seller, payments, fetch } = await setUp(t, async ({ token }, response) => {
      response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('ok');
    }, { policy: { maxCreditsTotal: 10 } });
    const send = (text) => fetch(seller.url, { method: 'POST', body: new Blob([text]).stream(), duplex: 'half' });
    assert.equal((await send('one')).status, 200);
    const response = await send('two');
    assert.deepEqual([response.status, payments.paymentOf(response).error.code, seller.requests.at(-1).body.toString()], [402, 'budget_exceeded', 'two']);
    const long = await failure(fetch(seller.url, { method: 'POST', body: new Blob([new Uint8Array(1024 * 1024 + 1)]).stream(), duplex: 'half' }));
    assert.deepEqual([long.code, seller.paid()], ['body_not_replayable', 1]);
  });

  test('after a logout the earlier outcome is nobody\'s', async (t) => {
    const { seller, payments, fetch } = await setUp(t, settleThenFail(500), { tokenVersion: 2 });
    assert.equal((await fetch(seller.url, { method: 'POST', body: 'x' })).status, 500);
    payments.logout();
    const response = await fetch(seller.url, { method: 'POST', body: 'x' });
    assert.deepEqual([response.status, payments.paymentOf(response).error.code], [402, 'not_logged_in']);
  });
});

// By itself: it changes what all share.
test('a page without TLS has no digests, and pays once too', async (t) => {
  const { seller, payments, fetch } = await setUp(t, settleThenFail('lost'), { tokenVersion: 3 });
  const { subtle } = crypto;
  Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
  t.after(() => { delete crypto.subtle; assert.equal(crypto.subtle, subtle); });
  for (const body of ['x', 'x', '\u0000\u00ff']) await failure(fetch(seller.url, { method: 'POST', body }));
  assert.deepEqual([seller.paid(), new Set(seller.requests.flatMap(({ token }) => token ?? [])).size, await payments.held()], [3, 2, 96n]);
});

// By itself: it changes what all share.
test('an answer whose body stops half way is given again without a body, and not with half of it', async (t) => {
  const { seller, fetch } = await setUp(t, async ({ token }, response) => {
    await platform.settle(token);
    response.writeHead(503).write('{"half":');
  }, { tokenVersion: 2 });
  const { setTimeout: real } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (work, ms, ...more) => real(work, ms === 10_000 ? 100 : ms, ...more));
  const first = await fetch(seller.url, { method: 'POST', body: 'x' });
  await first.body.cancel();
  const again = await fetch(seller.url, { method: 'POST', body: 'x' });
  assert.deepEqual([first.status, again.status, await again.text(), seller.paid()], [503, 503, '', 1]);
});
