// WebSockets at the gate: through where nothing is paid for, settled before they are handed over where something is
// (money rule 19).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { PLAN, ROUTES, json, readHeader, startAll, token } from './harness.mjs';

const ORIGIN = `export default {
  fetch(request) {
    if (request.headers.get('upgrade') !== 'websocket' || request.url.endsWith('/none')) return new Response('no socket', { status: 426 });
    const { 0: theirs, 1: ours } = new WebSocketPair();
    ours.accept();
    ours.send('hello ' + new URL(request.url).pathname);
    return new Response(null, { status: 101, webSocket: theirs });
  },
};`;

let all;
before(async () => {
  all = await startAll({
    vars: {
      ORIGIN_URL: undefined, UNLISTED: 'pass',
      ROUTES: { ...ROUTES, 'GET /later': { planId: PLAN, credits: { by: 'byte', each: 1, most: 9 }, settle: 'at-end-of-stream', receipt: 'event', unbounded: true } },
    },
    binding: 'sockets',
    beside: [{ name: 'sockets', modules: [{ type: 'ESModule', path: 'sockets.js', contents: ORIGIN }] }],
  });
});
beforeEach(() => all.reset());
after(() => all.stop());

/** The response to a handshake: all bytes until the end, or until a pause of half a second. */
async function shake(path, more = '') {
  const { hostname, port } = new URL(all.paywall.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`);
  let answer = '';
  socket.setTimeout(30_000, () => socket.destroy());
  let quiet;
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
    clearTimeout(quiet);
    // A socket that was opened says hello; a slow machine may take its time for that.
    const isAnswered = answer.startsWith('HTTP/1.1 101 ') ? answer.includes('hello') : answer.includes('\r\n\r\n');
    quiet = setTimeout(() => socket.destroy(), isAnswered ? 500 : 10_000);
  });
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  await ended;
  clearTimeout(quiet);
  return answer;
}

for (const path of ['/health', '/elsewhere']) {
  test(`a socket goes through on ${path}, which costs nothing`, async () => {
    const answer = await shake(path);
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, new RegExp(`hello ${path}`));
    assert.equal(all.facilitator.calls.length, 0);
  });
}

const PAID = `payment-signature: ${token()}\r\n`;

test('a socket on a paid route: verified, opened, settled, handed over with the receipt', async () => {
  const answer = await shake('/paid', PAID);
  assert.match(answer, /^HTTP\/1\.1 101 /);
  assert.match(answer, /hello \/paid/);
  const receipt = readHeader(/^payment-response: (\S+)/im.exec(answer)[1]);
  assert.deepEqual([receipt.success, receipt.creditsRedeemed], [true, '1']);
  assert.deepEqual(all.facilitator.calls.map(({ call }) => call), ['verify', 'settle']);
});

test('a socket without a token: an offer, and nothing is opened', async () => {
  const answer = await shake('/paid');
  assert.match(answer, /^HTTP\/1\.1 402 /);
  assert.match(answer, /^payment-required: /im);
  assert.equal(all.facilitator.calls.length, 0);
});

test('a socket whose settlement is refused is not handed over', async () => {
  all.facilitator.settle = (response) => json(response, 200, { success: false, errorReason: 'no' });
  const answer = await shake('/paid', PAID);
  assert.match(answer, /^HTTP\/1\.1 402 /);
  assert.doesNotMatch(answer, /hello/);
});

test('a socket that the origin does not open is not paid for', async () => {
  const answer = await shake('/files/none', PAID);
  assert.match(answer, /^HTTP\/1\.1 426 /);
  assert.equal(readHeader(/^payment-response: (\S+)/im.exec(answer)[1]).errorReason, 'not_settled');
  assert.equal(all.facilitator.count('settle'), 0);
});

test('another protocol, and a socket that would be settled later, are refused, and nobody is asked', async () => {
  for (const [path, more] of [['/later', PAID], ['/later', ''], ['/paid', `${PAID}Upgrade: h2c\r\n`]]) {
    const answer = await shake(path, more);
    assert.match(answer, /^HTTP\/1\.1 400 /, path);
    assert.match(answer, /upgrade_not_supported/);
  }
  assert.equal(all.facilitator.calls.length, 0);
});
