// The service that the demo sells, without the paywall: it has to be worth something by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startOrigin } from '../../scripts/lib/start.mjs';

let origin;
before(async () => (origin = await startOrigin()));
after(() => origin?.stop());

const ask = (question, headers = {}) =>
  fetch(`${origin.url}/ask`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ question }) });

for (const [question, answer] of [
  ['What is 17 * 23 + 4^2?', '17 * 23 + 4 ^ 2 = 407'],
  ['(2 + 3) * -4', '(2 + 3) * - 4 = -20'],
  ['1 / 0', 'That has no finite answer.'],
  ['15% of 80', '15% of 80 is 12.'],
  ['Convert 26.2 miles to km', '26.2 miles is 42.164813 km.'],
  ['72 F in C', '72 °F is 22.222222 °C.'],
  ['Is 999999000001 prime?', '999,999,000,001 is prime.'],
  ['Factor 5040', '5,040 is not prime: it is 2^4 × 3^2 × 5 × 7.'],
  ['days between 2026-01-01 and 2026-12-25', 'Between 2026-01-01 and 2026-12-25 there are 358 days, or 51 weeks and 1 day.'],
  ['sha256 of "abc"', 'The SHA-256 of “abc” is ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.'],
  ['How far do 100 credits go at 3 credits a request?', '100 credits at 3 each pay for 33 requests, with 1 credit left.'],
]) {
  test(`the oracle works out: ${question}`, async () => {
    assert.equal((await (await ask(question)).json()).answer, answer);
  });
}

test('the oracle knows about paying, and says so when it does not know', async () => {
  assert.match((await (await ask('How does settle differ from verify?')).json()).answer, /Settle moves it/);
  assert.match((await (await ask('Who painted the ceiling?')).json()).answer, /^I do not know/);
});

test('the answer names who paid, as the gate says it', async () => {
  const paid = await (await ask('1 + 1', { 'x-payment-payer': '0xabc', 'x-payment-credits': '2', 'x-payment-plan': '7' })).json();
  assert.deepEqual(paid.paidBy, { payer: '0xabc', credits: '2', plan: '7' });
  assert.equal((await (await ask('1 + 1')).json()).paidBy, null);
});

test('a stream brings the answer word by word and ends with done', async () => {
  const response = await fetch(`${origin.url}/stream?q=${encodeURIComponent('What is HTTP 402?')}`);
  assert.match(response.headers.get('content-type'), /^text\/event-stream/);
  let text = '';
  let chunks = 0;
  for await (const chunk of response.body) {
    text += Buffer.from(chunk).toString();
    chunks += 1;
  }
  assert.ok(chunks >= 10, `${chunks} chunks`);
  const events = text.trimEnd().split('\n\n').map((block) => block.match(/^event: (\w+)\ndata: (.*)$/));
  const words = events.filter(([, name]) => name === 'word').map(([, , data]) => JSON.parse(data).text);
  const [, last, data] = events.at(-1);
  assert.equal(last, 'done');
  assert.equal(JSON.parse(data).words, words.length);
  assert.match(words.join(''), /^402 Payment Required was reserved/);
});

for (const [name, path, init, status] of [
  ['health', '/health', {}, 200],
  ['an unknown path', '/nothing', {}, 404],
  ['a path that every object has', '/constructor', {}, 404],
  ['a wrong method', '/ask', { method: 'GET' }, 405],
  ['a body that is not JSON', '/ask', { method: 'POST', body: 'x' }, 400],
  ['no body', '/ask', { method: 'POST' }, 400],
  ['no question', '/ask', { method: 'POST', body: '{}' }, 400],
  ['null', '/ask', { method: 'POST', body: 'null' }, 400],
  ['an empty question', '/ask', { method: 'POST', body: '{"question":"  "}' }, 400],
  ['a long question', '/ask', { method: 'POST', body: JSON.stringify({ question: 'a'.repeat(1001) }) }, 400],
  ['a huge body', '/ask', { method: 'POST', body: 'a'.repeat(20_000) }, 413],
  ['a stream of nothing', '/stream', {}, 400],
]) {
  test(`${name} is answered ${status}`, async () => {
    const response = await fetch(origin.url + path, init);
    assert.equal(response.status, status);
    if (status !== 200) assert.equal(typeof (await response.json()).message, 'string');
  });
}
