// WebSockets at the gate: through where nothing is paid for, refused in plain words where something is (money rule 19).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { startAll, token } from './kit.mjs';

const ORIGIN = `export default {
  fetch(request) {
    if (request.headers.get('upgrade') !== 'websocket') return new Response('no socket', { status: 426 });
    const { 0: theirs, 1: ours } = new WebSocketPair();
    ours.accept();
    ours.send('hello ' + new URL(request.url).pathname);
    return new Response(null, { status: 101, webSocket: theirs });
  },
};`;

let all;
before(async () => {
  all = await startAll({
    vars: { ORIGIN_URL: undefined, UNLISTED: 'pass' }, binding: 'sockets',
    beside: [{ name: 'sockets', modules: [{ type: 'ESModule', path: 'sockets.js', contents: ORIGIN }] }],
  });
});
beforeEach(() => all.reset());
after(() => all.stop());

/** What comes back of a handshake within half a second. */
async function shake(path, more = '') {
  const { hostname, port } = new URL(all.paywall.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => { answer += chunk; });
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500))]);
  socket.destroy();
  await ended;
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

for (const [what, more] of [['with a token', `payment-signature: ${token()}\r\n`], ['without one', '']]) {
  test(`a socket on a paid route is refused ${what}, and nobody is asked`, async () => {
    const answer = await shake('/paid', more);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /upgrade_not_supported/);
    assert.doesNotMatch(answer, /hello/);
    assert.equal(all.facilitator.calls.length, 0);
  });
}
