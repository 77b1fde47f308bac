// Streams, in every policy that allows them: settle × receipt × price. The origin goes on when the test has read the first
// event at the client, and not before, so no clock decides. How long the first event took is measured and printed.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { table } from '../../scripts/lib/terminal.mjs';
import { IMPLEMENTATION } from '../library/implementations.mjs';
import { PLAN, json, readHeader, startAll } from './harness.mjs';

const FIRST = 'data: {"word":"one"}\n\n';
const LAST = 'data: {"usage":{"total_tokens":250}}\n\n';

/** Kinds of prices: the configuration, its query, the verified amount, the settled amount. */
const PRICES = {
  'fixed': { credits: 3, verified: '3', settled: '3' },
  'free': { credits: 0, verified: '0', settled: undefined },
  'by the query': { credits: { by: 'query', name: 'n', each: 2, most: 12 }, query: '?n=2', verified: '4', settled: '4' },
  'by a header': { credits: { by: 'header', name: 'x-n', each: 2, most: 12 }, headers: { 'x-n': '3' }, verified: '6', settled: '6' },
  'by the origin': { credits: { by: 'origin', name: 'x-credits', most: 9 }, verified: '9', settled: '7' },
  'by bytes': { credits: { by: 'byte', each: 1, per: 10, most: 50 }, verified: '50', settled: String(Math.ceil((FIRST + LAST).length / 10)), counted: true },
  'by events': { credits: { by: 'event', each: 2, base: 1, most: 50 }, verified: '50', settled: '5', counted: true },
  'by tokens': { credits: { by: 'token', member: 'usage.total_tokens', each: 1, per: 100, most: 50 }, verified: '50', settled: '3', counted: true },
};
/** How it is settled, and how the buyer reads the receipt. What is counted is known at the end. */
const POLICIES = [['before-delivery', 'header'], ['after-delivery', 'url'], ['at-end-of-stream', 'url'], ['at-end-of-stream', 'event']];

const cases = POLICIES.flatMap(([settle, receipt]) => Object.entries(PRICES).map(([price, rest]) => ({ settle, receipt, price, ...rest })));
const allowed = cases.filter(({ settle, counted }) => !counted || settle === 'at-end-of-stream').map((one, index) => ({ ...one, path: `/stream/${index}` }));
const routes = Object.fromEntries(allowed.map(({ path, settle, receipt, credits }) => [`GET ${path}`, { planId: PLAN, credits, settle, receipt }]));

let all;
const figures = [];
before(async () => { all = await startAll({ state: true, routes: { routes, open: ['GET /open'], unlisted: 'deny' } }); });
beforeEach(() => all.reset());
after(async () => {
  await all.stop();
  console.log(`first event of a stream that is still being written, ms, ${IMPLEMENTATION}:\n${table([['settle', 'receipt', 'price', 'ms'], ...figures], 'lllr')}`);
});

/** An origin that writes one event and waits; `finish` is there once it has. */
function holding(more = {}) {
  let wrote;
  const written = new Promise((resolve) => { wrote = resolve; });
  all.origin.answer = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', ...more });
    response.write(FIRST);
    wrote(() => response.end(LAST));
  };
  return written;
}

/** The first event of an answer, the milliseconds that it took, and what is left to read. */
async function firstEvent(asking, started = performance.now()) {
  const answer = await asking;
  assert.equal(answer.status, 200);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('\n\n')) {
    const { done, value } = await reader.read();
    assert.ok(!done, `the stream ended: ${answer.status} ${text}`);
    text += value;
  }
  return {
    answer, text, took: performance.now() - started,
    async rest() {
      let left = '';
      for (let part; !(part = await reader.read()).done;) left += part.value;
      return left;
    },
  };
}

async function receiptAt(url) {
  for (;;) {
    const answer = await fetch(url);
    if (answer.status !== 202) return answer.json();
    await new Promise((done) => setTimeout(done, 10));
  }
}

test('an open route, for comparison', async () => {
  const written = holding();
  const { text, took, rest } = await firstEvent(all.get('/open'));
  assert.equal(text, FIRST);
  (await written)();
  assert.equal(await rest(), LAST);
  figures.push(['', '', 'open', took.toFixed(1)]);
});

for (const { settle, receipt, price, path, query = '', headers, verified, settled } of allowed) {
  test(`${settle}, receipt by ${receipt}, ${price}: the first event is there while the origin still writes`, async () => {
    const written = holding(price === 'by the origin' ? { 'x-credits': '7' } : {});
    const { answer, text, took, rest } = await firstEvent(all.paid(path + query, { headers }));
    assert.equal(text, FIRST);
    // The origin holds still: what is settled by now was settled before the first event, and what waits for the end was not.
    if (settle === 'before-delivery') assert.equal(all.facilitator.count('settle'), settled ? 1 : 0);
    if (settle === 'at-end-of-stream') assert.equal(all.facilitator.count('settle'), 0);
    (await written)();
    const left = await rest();
    // Where nothing is to be settled there is nothing to wait for.
    const by = settled ? receipt : 'header';
    const read = by === 'header' ? readHeader(answer.headers.get('payment-response'))
      : by === 'url' ? await receiptAt(answer.headers.get('payment-receipt-url'))
        : JSON.parse(/\n\nevent: payment-response\ndata: (.*)\n\n$/.exec(left)[1]);
    assert.deepEqual([read.success, read.creditsRedeemed], [true, settled ?? '0']);
    assert.equal(by === 'event' ? left.slice(0, LAST.length) : left, LAST);
    const asked = (call) => all.facilitator.calls.filter((one) => one.call === call).map(({ body }) => body.maxAmount);
    assert.deepEqual([asked('verify'), asked('settle')], [[verified], settled ? [settled] : []]);
    figures.push([settle, receipt, price, took.toFixed(1)]);
  });
}

for (const settle of ['before-delivery', 'after-delivery']) {
  test(`${settle}: a platform that has not answered a settlement yet holds back ${settle === 'before-delivery' ? 'the whole answer' : 'nothing'}`, async () => {
    const { path } = allowed.find((one) => one.settle === settle && one.price === 'fixed');
    let asked;
    const settling = new Promise((resolve) => { asked = resolve; });
    all.facilitator.settle = (response, { maxAmount }) => asked(() => json(response, 200, { success: true, transaction: '0x1', network: 'n', creditsRedeemed: maxAmount }));
    const written = holding();
    let delivered = false;
    const first = firstEvent(all.paid(path)).then((event) => { delivered = true; return event; });
    if (settle === 'before-delivery') {
      const yes = await settling;
      assert.equal(delivered, false);
      yes();
    }
    const { text, rest } = await first;
    assert.equal(text, FIRST);
    (await written)();
    assert.equal(await rest(), LAST);
    if (settle === 'after-delivery') (await settling)();
  });
}

test('what is counted cannot be settled before its end: the gate says so at the start', async () => {
  for (const { settle, credits } of cases.filter((one) => one.counted && one.settle !== 'at-end-of-stream')) {
    const refused = await startAll({ state: true, routes: { routes: { 'GET /x': { planId: PLAN, credits, settle } }, unlisted: 'deny' } });
    try {
      const answer = await refused.get('/x');
      assert.deepEqual([answer.status, (await answer.json()).key], [500, 'ROUTES["GET /x"].settle'], settle);
    } finally { await refused.stop(); }
  }
});
