// Answers that are settled behind their head, and prices that the answer decides (rules 19, 20 and 22).
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { PLAN, json, readHeader, shard, startAll, token } from './harness.mjs';

const end = { planId: PLAN, settle: 'at-end-of-stream' };
const ROUTES = {
  'GET /before': { planId: PLAN, credits: 2 },
  'GET /after': { planId: PLAN, credits: 2, settle: 'after-delivery' },
  'GET /end': { ...end, credits: 2 },
  'GET /event': { ...end, credits: 2, receipt: 'event' },
  'GET /bytes': { ...end, credits: { by: 'byte', each: 1, per: 10, most: 50 } },
  'GET /long': { ...end, credits: { by: 'byte', each: 1, per: 1000, most: 9000 } },
  'GET /events': { ...end, credits: { by: 'event', each: 2, base: 1, most: 50 }, receipt: 'event' },
  'GET /tokens': { ...end, credits: { by: 'token', member: 'usage.total_tokens', each: 1, per: 100, most: 50 }, receipt: 'event' },
  'GET /said': { planId: PLAN, credits: { by: 'origin', name: 'X-Credits', most: 5 } },
  'GET /many': { planId: PLAN, credits: { by: 'query', name: 'n', each: 3, most: 12 } },
  'GET /free': { planId: PLAN, credits: 0 },
};
let all;
before(async () => { all = await startAll({ state: true, vars: { TIMEOUT_MS: '2000' }, routes: { routes: ROUTES, unlisted: 'deny' } }); });
beforeEach(() => fresh());
after(() => all.stop());

let payers = 0;
/** The payer: a new one each time, because a payer can have one unsettled response. */
let from;
const fresh = () => {
  all.reset();
  from = `0x${(++payers).toString(16).padStart(40, '0')}`;
  all.facilitator.verify = (response) => json(response, 200, { isValid: true, payer: from, agentRequestId: 'req-1' });
};
const paid = (path) => all.paid(path, { headers: { 'payment-signature': token({ from }) } });
const sse = (...parts) => (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const part of parts) response.write(part);
  response.end();
};
/** The amount that settle was asked to burn, once it was called. */
const settled = () => until(() => all.facilitator.calls.find(({ call }) => call === 'settle')?.body.maxAmount);
const receiptAt = (url) => until(async () => {
  const answer = await fetch(url);
  return answer.status === 200 ? answer.json() : undefined;
});
/** The last event of an answer, if it is a receipt. */
const lastEvent = (text) => {
  const event = text.trimEnd().split('\n\n').at(-1);
  const [, data] = /^event: payment-response\ndata: (.*)$/.exec(event) ?? [];
  return data && JSON.parse(data);
};

test('after-delivery: the answer does not wait; its receipt is at the URL that a header names', async () => {
  let settle;
  all.facilitator.settle = (response, { maxAmount }) => { settle = () => json(response, 200, { success: true, transaction: '0x1', network: 'n', creditsRedeemed: maxAmount }); };
  const answer = await paid('/after');
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).secret, 'worth paying for');
  assert.equal(answer.headers.get('payment-response'), null);
  const url = answer.headers.get('payment-receipt-url');
  assert.match(url, new RegExp(`^${all.paywall.url}/\\.well-known/payments/receipts/${shard('payer', from)}-[0-9a-f]{32}$`));
  const pending = await fetch(url);
  assert.deepEqual([pending.status, (await pending.json()).code], [202, 'receipt_pending']);
  await until(() => settle);
  settle();
  const receipt = await receiptAt(url);
  assert.deepEqual([receipt.success, receipt.creditsRedeemed], [true, '2']);
  const again = await fetch(url);
  assert.deepEqual(readHeader(again.headers.get('payment-response')), receipt);
  assert.equal(again.headers.get('cache-control'), 'no-store');
  const other = url.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
  assert.equal((await fetch(other)).status, 404);
});

test('after-delivery: a refusal is written down, and the receipt says no', async () => {
  all.facilitator.settle = (response) => json(response, 402, { code: 'BCK.CREDITS.0003', message: 'no' });
  const answer = await paid('/after');
  assert.equal(answer.status, 200);
  const receipt = await receiptAt(answer.headers.get('payment-receipt-url'));
  assert.deepEqual([receipt.success, receipt.errorReason], [false, 'BCK.CREDITS.0003']);
  await until(() => /settlement_refused/.test(all.paywall.said()));
});

test('after-delivery: what the platform had no time for is settled by the alarm, once', async () => {
  let busy = true;
  all.facilitator.settle = (response, { maxAmount }) => {
    if (busy) return json(response, 429, {});
    json(response, 200, { success: true, transaction: '0x1', network: 'n', creditsRedeemed: maxAmount });
  };
  const answer = await paid('/after');
  await until(() => all.facilitator.count('settle') === 1);
  busy = false;
  const receipt = await receiptAt(answer.headers.get('payment-receipt-url'));
  assert.equal(receipt.creditsRedeemed, '2');
  assert.equal(all.facilitator.count('settle'), 2);
});

for (const path of ['/end', '/event', '/after', '/before']) {
  test(`the first event is there while the origin still writes: ${path}`, async () => {
    let finish;
    all.origin.answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
      finish = () => response.end('data: two\n\n');
    };
    const answer = await paid(path);
    const reader = answer.body.getReader();
    assert.equal(Buffer.from((await reader.read()).value).toString(), 'data: one\n\n');
    if (path === '/end' || path === '/event') assert.equal(all.facilitator.count('settle'), 0);
    finish();
    let text = '';
    for (let part; !(part = await reader.read()).done;) text += Buffer.from(part.value);
    assert.ok(text.startsWith('data: two\n\n'), text);
    assert.equal(await settled(), '2');
    const receipt = path === '/event' ? lastEvent(text) : path === '/before' ? readHeader(answer.headers.get('payment-response'))
      : await receiptAt(answer.headers.get('payment-receipt-url'));
    assert.deepEqual([receipt.success, receipt.creditsRedeemed], [true, '2']);
    if (path !== '/event') assert.equal(text, 'data: two\n\n', 'nothing is added');
  });
}

test('a receipt as an event: only a stream of events gets one, any other answer a URL', async () => {
  const answer = await paid('/event');
  const text = await answer.text();
  assert.deepEqual(JSON.parse(text).secret, 'worth paying for');
  assert.equal((await receiptAt(answer.headers.get('payment-receipt-url'))).creditsRedeemed, '2');
});

for (const [what, path, answer, credits, received] of [
  ['bytes', '/bytes', (request, response) => { response.writeHead(200); response.end('x'.repeat(95)); }, '10'],
  ['bytes, never more than was verified', '/bytes', (request, response) => { response.writeHead(200); response.end('x'.repeat(100_000)); }, '50'],
  ['events', '/events', sse('data: a\n\n', ': keep-alive\n\n', 'event: x\r\ndata: b\r\n\r\n', 'data: c\ndata: d\n', '\n'), '7'],
  ['tokens', '/tokens', sse('data: {"a":1}\n\n', 'data: {"usage":{"total', '_tokens":1234}}\n\n', 'data: [DONE]\n\n'), '13'],
  ['tokens, of a document', '/tokens', (request, response) => json(response, 200, { usage: { total_tokens: 250 } }), '3'],
  ['tokens that nobody said: the most', '/tokens', sse('data: {}\n\n'), '50'],
]) {
  test(`counted: ${what}`, async () => {
    all.origin.answer = answer;
    const response = await paid(path);
    assert.equal(response.status, 200);
    const text = await response.text();
    assert.equal(await settled(), credits);
    assert.equal(all.facilitator.calls[0].body.maxAmount, '50');
    if (response.headers.get('content-type') === 'text/event-stream') assert.equal(lastEvent(text).creditsRedeemed, credits);
    else assert.equal((await receiptAt(response.headers.get('payment-receipt-url'))).creditsRedeemed, credits);
  });
}

test('a long body that is counted arrives byte by byte, in pieces of every size and by a slow reader', async () => {
  const sent = Buffer.alloc(5_000_000);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  all.origin.answer = async (request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    let at = 0;
    for (let size = 1; at < sent.length; size = (size * 3) % 1_000_003) {
      if (!response.write(sent.subarray(at, at + size))) await new Promise((resolve) => response.once('drain', resolve));
      at += size;
    }
    response.end();
  };
  const answer = await paid('/long');
  const pieces = [];
  for await (const piece of answer.body) {
    pieces.push(piece);
    if (pieces.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(Buffer.concat(pieces).equals(sent));
  assert.equal(await settled(), '5000');
});

test('rule 22: who hangs up pays for what went out', async () => {
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: a\n\ndata: b\n\n');
  };
  const client = await hangsUp('/events', /data: b/);
  client.resetAndDestroy();
  assert.equal(await settled(), '5');
  await until(() => all.origin.cancelled);
});

test('rule 22: whose client is gone before anything is delivered is not charged', async () => {
  for (const path of ['/before', '/end', '/after']) {
    fresh();
    let answer;
    all.origin.answer = (request, response) => { answer = () => { response.writeHead(200); response.end('late'); }; };
    const client = await hangsUp(path);
    await until(() => answer);
    client.resetAndDestroy();
    // Nothing outside says when workerd has noticed.
    await pause(1000);
    answer();
    await pause(300);
    assert.equal(all.facilitator.count('settle'), 0, path);
    // Nothing is left of it: the next one is served.
    all.origin.answer = undefined;
    assert.equal((await paid(path)).status, 200);
    await settled();
  }
});

test('an origin that breaks off: what was fixed is not charged, what was counted is', async () => {
  const broken = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: a\n\n', () => setTimeout(() => response.destroy(), 50));
  };
  all.origin.answer = broken;
  assert.doesNotMatch(await paid('/events').then((response) => response.text()).catch(() => ''), /payment-response/);
  assert.equal(await settled(), '3');
  fresh();
  all.origin.answer = broken;
  const response = await paid('/end');
  await response.text().catch(() => {});
  const receipt = await receiptAt(response.headers.get('payment-receipt-url'));
  assert.equal(receipt.creditsRedeemed, '0');
  assert.equal(all.facilitator.count('settle'), 0);
});

test('rule 20: the origin says the price, within what was verified; the buyer does not see the header', async () => {
  for (const [said, credits] of [['3', '3'], ['9', '5'], ['0', '0'], ['nothing', '0'], ['-1', '5'], ['a lot', '5'], [undefined, '5']]) {
    fresh();
    all.origin.answer = (request, response) => {
      response.writeHead(200, said === undefined ? {} : { 'x-credits': said });
      response.end('ok');
    };
    const response = await paid('/said');
    const receipt = readHeader(response.headers.get('payment-response'));
    assert.deepEqual([receipt.success, receipt.creditsRedeemed], [true, credits], said);
    assert.equal(response.headers.get('x-credits'), null);
    assert.equal(all.facilitator.count('settle'), credits === '0' ? 0 : 1, said);
  }
});

test('rule 20: a function of the request', async () => {
  const answer = await all.get('/many?n=2');
  assert.equal(readHeader(answer.headers.get('payment-required')).accepts[0].extra.credits, '6');
  assert.equal((await paid('/many?n=4')).status, 200);
  assert.deepEqual(all.facilitator.calls.map(({ body }) => body.maxAmount), ['12', '12']);
  for (const query of ['', '?n=5', '?n=1&n=2', '?n=x', '?n=-1', '?n=1.5', '?N=1', '?n=1&%6e=4', '?n[]=1', '?n=1;n=9', '?n=01', '?m=1']) {
    const refused = await paid(`/many${query}`);
    assert.equal(refused.status, 400, query);
  }
});

test('0 is verified, and free', async () => {
  assert.equal((await all.get('/free')).status, 402);
  const response = await paid('/free');
  assert.equal(response.status, 200);
  assert.equal(readHeader(response.headers.get('payment-response')).creditsRedeemed, '0');
  assert.deepEqual(all.facilitator.calls.map(({ call, body }) => [call, body.maxAmount]), [['verify', '0']]);
});

/** A client that asks, and waits until it has read what is expected. */
async function hangsUp(path, expected = /^/) {
  const { hostname, port } = new URL(all.paywall.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('error', () => {}).on('data', (data) => { text += data; });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\npayment-signature: ${token({ from })}\r\n\r\n`);
  await until(() => expected.test(text));
  return socket;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(read) {
  for (let round = 0; round < 1000; round++) {
    const found = await read();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  assert.fail('it did not come');
}
