// Sellers who mean harm, over real HTTP, with a real platform behind the buyer: rules 2, 3, 5, 6, 11 and 13.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { MalformedOffer, PaymentRefused, Payments, PaymentsError } from '../../target/dist/subscriber/index.js';
import { base64, failure, need, offerOf, pause, startPlatform, startSeller } from './harness.mjs';

let platform;
let seller;
let other;
before(async () => {
  platform = await startPlatform();
  seller = await startSeller();
  other = await startSeller((_, response) => response.end('elsewhere'));
});
after(async () => {
  await Promise.all([seller?.stop(), other?.stop()]);
  await platform?.stop();
});
beforeEach(() => { seller.requests.length = other.requests.length = 0; });

const terms = (credits) => offerOf(platform.planId, credits);
const sell = async ({ token }, response) => response.writeHead(200, { 'payment-response': await platform.settle(token) }).end('the answer');
/** Answers what carries a token so, and asks all others to pay. */
const toPaid = (answer) => { seller.answer = (request, response, requests) => (request.token ? answer(request, response, requests) : need(response, terms())); };
const ask = (payments, init = {}, options) => payments.fetch(`${seller.url}/ask`, { method: 'POST', body: 'a question', ...init }, options);

describe('a paid request that is redirected to another origin', () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const method of ['GET', 'POST']) {
      test(`${status} to a ${method}: neither token nor the caller's own secrets go there`, async () => {
        toPaid((_, response) => response.writeHead(status, { location: `${other.url}/catch` }).end());
        const payments = await platform.buyer();
        const init = { method, headers: { authorization: 'Bearer mine', 'x-own': 'kept' }, ...(method === 'POST' && { body: 'a question' }) };
        const { response, spend } = await ask(payments, { body: undefined, ...init });
        assert.equal(await response.text(), 'elsewhere');
        assert.equal(other.requests.length, 1);
        const [caught] = other.requests;
        assert.deepEqual([caught.token, caught.headers.authorization, caught.headers['x-own']], [undefined, undefined, 'kept']);
        assert.equal(caught.method, method === 'POST' && status <= 303 ? 'GET' : method, 'as fetch does it');
        assert.equal(caught.body.length > 0, caught.method === 'POST');
        assert.equal(spend.outcome, 'unknown', 'what the first took, nobody said');
        assert.equal(seller.paid(), 1);
      });
    }
  }

  test('a 402 there is another offer, asked about on its own', async () => {
    toPaid((_, response) => response.writeHead(302, { location: `${other.url}/catch` }).end());
    other.answer = (_, response) => need(response, terms(9));
    try {
      const asked = [];
      const payments = await platform.buyer({ approve: (offer) => { asked.push([offer.origin, offer.credits]); return offer.origin === seller.url; } });
      const error = await failure(ask(payments, { method: 'GET', body: undefined }));
      assert.deepEqual([error.code, error.spend.outcome], ['consent_denied', 'unknown']);
      assert.deepEqual(asked, [[seller.url, 2n], [other.url, 9n]]);
      assert.deepEqual(other.requests.map(({ token }) => token), [undefined]);
    } finally {
      other.answer = (_, response) => response.end('elsewhere');
    }
  });

  test('redirects without end are not followed without end', async () => {
    toPaid((request, response) => response.writeHead(307, { location: `${request.url}x` }).end());
    const payments = await platform.buyer();
    const error = await failure(ask(payments, { method: 'GET', body: undefined }));
    assert.equal(error.code, 'redirected_while_paying');
    assert.ok(seller.requests.length <= 7, `${seller.requests.length} requests`);
  });
});

describe('a seller that gives back what it was sent', () => {
  const echo = (status, headers) => (request, response) => {
    const sent = JSON.stringify({ error: request.token, message: `no: ${request.token}`, headers: request.headers });
    response.writeHead(status, { 'x-echo': request.token, ...headers?.(request) }).end(sent);
  };
  const cases = {
    'a refusal': echo(402),
    'a refusal with a fresh offer': echo(402, () => ({ 'payment-required': base64(terms()) })),
    'a refusal with the token for an offer': echo(402, ({ token }) => ({ 'payment-required': token })),
    'a receipt that is the token': echo(200, ({ token }) => ({ 'payment-response': token })),
    'a receipt with the token in it': echo(402, ({ token }) => ({ 'payment-response': base64({ success: false, transaction: '', network: 'n', errorReason: 'no' }), 'x-more': token })),
    'a receipt with the token in its transaction': echo(200, ({ token }) => ({ 'payment-response': base64({ success: true, transaction: token, network: 'n', orderTx: token }) })),
    'a refusal with a receipt of parts of the token': echo(402, ({ token }) => ({ 'payment-response': base64({ success: false, transaction: '', network: 'n', errorReason: `no: ${token.slice(9)}` }) })),
    'an error of the server': echo(500),
    'a redirect to a place that has the token in its name': (request, response) => response.writeHead(302, { location: `http://127.0.0.1:1/${request.token}` }).end(),
  };
  for (const [name, answer] of Object.entries(cases)) {
    test(`${name}: no token in errors, events, books or logs`, async (t) => {
      const logged = [];
      for (const method of ['log', 'info', 'warn', 'error', 'debug']) t.mock.method(console, method, (...given) => logged.push(given));
      toPaid(answer);
      const events = [];
      const payments = await platform.buyer({ onEvent: (event) => events.push(event) });
      const { nvmApiKey } = payments.account;
      const outcome = await ask(payments, { method: 'GET', body: undefined }).catch((error) => error);
      const tokens = seller.requests.map(({ token }) => token).filter(Boolean);
      assert.ok(tokens.length > 0);
      // The seller's text stays in its response, which the caller owns; all else is ours.
      const { response, cause, ...ours } = outcome;
      const depth = { depth: 20, maxStringLength: null, maxArrayLength: null, showHidden: true };
      const text = [inspect(ours, depth), String(outcome.message), String(outcome.stack), inspect(cause, depth),
        inspect(events, depth), inspect(payments.spend, depth), payments.exportReceipts('csv'), inspect(logged, depth)].join('\n');
      for (const secret of [...tokens, ...tokens.map((token) => token.slice(-60)), nvmApiKey, nvmApiKey.slice(-20)]) assert.ok(!text.includes(secret), `${name} tells a secret`);
      assert.deepEqual(logged, []);
    });
  }
});

describe('a seller that prints parts of the token', () => {
  const PARTS = {
    'its beginning': (token) => token.slice(0, 120), 'its end': (token) => token.slice(-60), 'in lines': (token) => token.match(/.{1,76}/g).join('\n'),
    'in small letters': (token) => token.toLowerCase(), 'in capitals': (token) => token.toUpperCase(),
    'percent-encoded': (token) => token.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    'longer than a message': (token) => `${'no '.repeat(80)}${token}`,
  };
  for (const [name, part] of Object.entries(PARTS)) {
    test(`${name}: neither in the message of the error nor in a URL that is asked`, async () => {
      toPaid(({ token }, response) => need(response, terms(), JSON.stringify({ message: `bad ${part(token)}` })));
      const payments = await platform.buyer();
      const { message } = await failure(ask(payments));
      const { token } = seller.requests.at(-1);
      assert.match(message, /^the seller refused the payment/);
      for (let at = 0; at + 24 <= token.length; at++) assert.ok(!unescape(message).toLowerCase().includes(token.slice(at, at + 24).toLowerCase()), message);
      seller.requests.length = 0;
      toPaid(({ token: one }, response) => response.writeHead(302, { location: `/t?${part(one).replace(/\s/g, '')}` }).end());
      const error = await failure(ask(payments, { method: 'GET', body: undefined }));
      assert.equal(error.code, 'redirected_while_paying');
      assert.ok(seller.requests.every(({ url }) => url === '/ask'), 'it is not followed');
    });
  }
  const decoded = (token) => JSON.parse(Buffer.from(token, 'base64'));
  const OTHERWISE = {
    'as its JSON': (token) => Buffer.from(token, 'base64').toString(), 'its JSON in lines': (token) => JSON.stringify(decoded(token), null, 2),
    'its signature': (token) => decoded(token).payload.signature, 'in base64 once more': (token) => Buffer.from(token).toString('base64'),
    'percent-encoded twice': (token) => token.replace(/./g, (letter) => `%25${letter.charCodeAt(0).toString(16)}`),
  };
  for (const [name, make] of Object.entries(OTHERWISE)) {
    test(`${name}: the message is not told`, async () => {
      toPaid(({ token }, response) => need(response, terms(), JSON.stringify({ message: `bad ${make(token)}` })));
      const { message } = await failure(ask(await platform.buyer()));
      assert.equal(message, 'the seller refused the payment');
    });
  }

  test('a message with the ids of a plan and of an account is told', async () => {
    const message = `0x${'1'.repeat(40)} has no credits of ${platform.planId}, see 0x${'a'.repeat(64)} and https://seller.example/${'docs/'.repeat(20)}`;
    toPaid((_, response) => need(response, terms(), JSON.stringify({ message })));
    assert.equal((await failure(ask(await platform.buyer()))).message, `the seller refused the payment: ${message}`.slice(0, 300 + 'the seller refused the payment: '.length));
  });

  test('a short message of other words is told', async () => {
    toPaid((_, response) => need(response, terms(), JSON.stringify({ message: 'eyJhbGciOiJub25lIn0 is no token' })));
    const { message } = await failure(ask(await platform.buyer()));
    assert.equal(message, 'the seller refused the payment: eyJhbGciOiJub25lIn0 is no token');
  });
});

test('a platform that prints the key in a refusal: no error has it', async (t) => {
  const echo = await startSeller(({ headers }, response) => response.writeHead(403, { 'content-type': 'application/json' })
    .end(JSON.stringify({ code: 'BCK.X.0001', message: `no: ${headers.authorization}`, hint: `${headers.authorization}` })));
  t.after(() => echo.stop());
  const { account: { nvmApiKey } } = await platform.buyer();
  const payments = Payments.getInstance({ nvmApiKey, environment: 'custom', backend: echo.url, approve: () => true, delegationConfig: { delegationId: 'd' } });
  toPaid((_, response) => response.end());
  for (const work of [() => payments.delegation.listDelegations(), () => payments.agents.getAgents(1, 2), () => payments.plans.orderPlan('1'), () => ask(payments)]) {
    const error = await failure(work());
    assert.equal(error.code, 'BCK.X.0001');
    assert.ok(!inspect(error, { depth: 9, maxStringLength: null }).includes(nvmApiKey) && !JSON.stringify(error).includes(nvmApiKey));
  }
  assert.equal(JSON.stringify([payments.mcp, payments.a2a]), '[{},{}]', 'what is loaded later is no promise to JSON');
});

describe('a seller that is never satisfied', () => {
  test('a fresh token that is refused is not followed by another', async () => {
    toPaid((_, response) => need(response, terms(), JSON.stringify({ message: 'not enough' })));
    const payments = await platform.buyer();
    const error = await failure(ask(payments));
    assert.ok(error instanceof PaymentRefused);
    assert.match(error.message, /not enough$/);
    assert.deepEqual([seller.requests.length, seller.paid()], [2, 1]);
    assert.deepEqual([error.spend.outcome, error.spend.requests, error.spend.mints, payments.spend.credits], ['unknown', 2, 1, 2n]);
    assert.equal(await error.response.text(), '{"message":"not enough"}');
    assert.equal(await payments.held(), 100n);
  });

  test('an old token that is refused is followed by one fresh token', async () => {
    toPaid(sell);
    const payments = await platform.buyer();
    await ask(payments);
    const [, { token }] = seller.requests;
    toPaid((_, response) => need(response, terms()));
    const error = await failure(ask(payments));
    assert.deepEqual([error.code, error.spend.outcome, error.spend.requests, error.spend.mints], ['payment_refused', 'unknown', 2, 1]);
    const [, , old, fresh] = seller.requests;
    assert.deepEqual([seller.requests.length, old.token, fresh.token === token], [4, token, false]);
    assert.deepEqual([payments.spend.credits, await payments.held()], [6n, 98n], 'each presentation is counted');
  });

  test('is paid twice at the most and asked three times in all, though each offer differs', async () => {
    toPaid((_, response) => need(response, terms(2 + seller.paid())));
    const payments = await platform.buyer();
    const error = await failure(ask(payments));
    assert.deepEqual([error.code, seller.requests.length, seller.paid()], ['payment_refused', 3, 2]);
    assert.notEqual(seller.requests[1].token, seller.requests[2].token);
    assert.deepEqual([error.spend.outcome, error.spend.requests, error.spend.mints, payments.spend.credits], ['unknown', 3, 2, 5n]);
  });

  test('and raises the price each time: each needs a yes of its own, and a no ends it', async () => {
    for (const [upTo, code, asked] of [[5n, 'consent_denied', [2n, 7n]], [100n, undefined, [2n, 7n]]]) {
      seller.requests.length = 0;
      seller.answer = (request, response) => {
        if (!request.token) return need(response, terms(2));
        return seller.paid() === 1 ? need(response, terms(7)) : sell(request, response);
      };
      const questions = [];
      const payments = await platform.buyer({ approve: (offer) => { questions.push(offer.credits); return offer.credits <= upTo; } });
      const outcome = await ask(payments).catch((error) => error);
      assert.equal(outcome.code, code);
      assert.deepEqual(questions, asked);
      assert.equal(payments.spend.credits, code ? 2n : 9n, 'what was presented');
      assert.equal(await payments.held(), code ? 100n : 98n);
    }
  });

  test('a price above the policy is not paid, the second time as little as the first', async () => {
    seller.answer = (request, response) => need(response, terms(request.token ? 50 : 2));
    const payments = await platform.buyer({ approve: undefined, policy: { origins: [seller.url], maxCreditsPerRequest: 40 } });
    const error = await failure(ask(payments));
    assert.deepEqual([error.code, error.spend.outcome, seller.paid()], ['budget_exceeded', 'unknown', 1]);
    assert.equal(payments.spend.credits, 10n, 'the most that the plan lets the seller take');
  });
});

describe('offers that are no offers: a typed error, nothing paid, and the answer still readable', () => {
  const mega = 'x'.repeat(10 * 1024 * 1024);
  const of = (change) => JSON.stringify(change(terms()));
  const accept = (more) => of((document) => ({ ...document, accepts: [{ ...document.accepts[0], ...more }] }));
  // Without a header these make no x402 answer: an ordinary response.
  const ordinary = {
    'no offer at all': () => '',
    'a page': () => '<!doctype html><title>Pay</title>',
    'an error of somebody else': () => '{"error":{"code":"card_declined"}}',
    'ten megabytes of offer': () => of((document) => ({ ...document, extensions: { mega } })),
    'ten megabytes of nothing': () => mega,
  };
  const bodies = {
    ...ordinary,
    'a number for a plan': () => accept({ planId: 7 }),
    'a list for a scheme': () => accept({ scheme: ['nvm:erc4337'] }),
    'a text for what it accepts': () => of((document) => ({ ...document, accepts: 'nvm:erc4337' })),
    'a price below nothing': () => accept({ extra: { version: '1', credits: '-2' } }),
    'a price that is an object': () => accept({ extra: { version: '1', credits: { amount: 2 } } }),
    'a version of its own': () => of((document) => ({ ...document, x402Version: '2' })),
    'a prototype': () => '{"x402Version":2,"__proto__":{"accepts":[]},"accepts":[{"constructor":1}]}',
  };
  const untouched = async (error, text) => {
    assert.ok(error instanceof PaymentsError);
    assert.ok(error instanceof MalformedOffer || error.code === 'no_payable_offer', error.code);
    assert.deepEqual([error.status, error.spend.outcome, error.spend.requests, error.spend.mints], [402, 'none', 1, 0]);
    assert.ok(error.message.length < 300);
    assert.ok(await error.response.text() === text, 'the response is as it came');
    assert.equal(seller.requests.length, 1);
  };
  for (const [name, make] of Object.entries(bodies)) {
    test(`in the body: ${name}`, async () => {
      const text = make();
      seller.answer = (_, response) => response.writeHead(402, { 'content-type': 'application/json' }).end(text);
      const payments = await platform.buyer();
      if (!(name in ordinary)) return untouched(await failure(ask(payments)), text);
      const { response, spend } = await ask(payments);
      assert.deepEqual([response.status, spend.outcome, spend.requests, spend.mints], [402, 'none', 1, 0]);
      assert.ok(await response.text() === text, 'the response is as it came');
      assert.equal(seller.requests.length, 1);
    });
    // No header is as long as that: see below.
    if (name.startsWith('ten megabytes')) continue;
    test(`in the header: ${name}`, async () => {
      const text = make();
      seller.answer = (_, response) => response.writeHead(402, { 'payment-required': base64(text) }).end('the body');
      const payments = await platform.buyer();
      await untouched(await failure(ask(payments)), 'the body');
    });
  }

  test('in the header: more than the runtime reads is a lost connection, with nothing spent', async () => {
    seller.answer = (_, response) => response.writeHead(402, { 'payment-required': base64(mega) }).end('the body');
    const payments = await platform.buyer();
    const error = await failure(ask(payments));
    assert.deepEqual([error.code, error.retryable, error.spend.outcome], ['network_error', true, 'none']);
  });

  test('a body without end is read so far and no further', async () => {
    let written = 0;
    seller.answer = (_, response) => {
      response.writeHead(402);
      const more = () => {
        while (response.writable && written < 50_000_000 && response.write(mega.slice(0, 16_384))) written += 16_384;
      };
      response.on('drain', more);
      more();
    };
    const payments = await platform.buyer();
    const { response, spend } = await ask(payments);
    assert.deepEqual([response.status, spend.outcome, spend.mints], [402, 'none', 0]);
    await response.body.cancel();
    assert.ok(written < 50_000_000, `${written} bytes`);
  });
});

describe('receipts of nonsense cost neither the answer nor the truth', () => {
  const real = { success: true, transaction: '0x1', network: 'eip155:84532', creditsRedeemed: '2', remainingBalance: '98' };
  // The case, the outcome, the counted amount.
  const table = {
    'more credits than were agreed to': [{ ...real, creditsRedeemed: '1000' }, 'settled', 10n],
    'a number beyond 256 bits': [{ ...real, creditsRedeemed: '9'.repeat(100) }, 'unknown', 2n],
    'credits below nothing': [{ ...real, creditsRedeemed: '-5' }, 'unknown', 2n],
    'an object for a balance': [{ ...real, remainingBalance: {} }, 'unknown', 2n],
    'a yes in words': [{ ...real, success: 'true' }, 'unknown', 2n],
    'nothing in it': [{}, 'unknown', 2n],
    'a list': [[real], 'unknown', 2n],
    'megabytes are beyond any header': ['%'.repeat(4_000), 'unknown', 2n],
  };
  for (const [name, [receipt, outcome, counted]] of Object.entries(table)) {
    test(name, async () => {
      toPaid((_, response) => response.writeHead(200, { 'payment-response': base64(receipt) }).end('the answer'));
      const payments = await platform.buyer();
      const { response, spend } = await ask(payments);
      assert.equal(await response.text(), 'the answer');
      // More than was counted is believed up to what the plan lets the seller take, which the platform is asked for.
      for (let tries = 0; payments.spend.credits < counted && tries < 1000; tries++) await pause(20);
      assert.deepEqual([spend.outcome, payments.spend.credits], [outcome, counted]);
    });
  }
});
