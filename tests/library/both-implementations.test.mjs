// The library in somebody's own Worker, in JavaScript and in Rust: one table for both of what is priced, handled and delivered
// (rules 16, 19 and 20). Each handler has the same habits: see tests/rust-handlers.
import assert from 'node:assert/strict';
import { once as event } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { startPaywall } from '../../scripts/lib/start.mjs';
import { PAYER, PLAN, SELLER_KEY, raw, readHeader, startFacilitator, token } from '../workerd/harness.mjs';
import { bundled } from './implementations.mjs';
import { builtHandlers } from './rust-build.mjs';

const byHandler = { planId: PLAN, credits: { by: 'handler', most: 100 } };
const ROUTES = {
  'GET /files/*path': byHandler,
  'GET /words': { planId: PLAN, credits: { by: 'query', name: 'x_words', each: 1, most: 9 } },
  'GET /lines': { planId: PLAN, credits: { by: 'header', name: 'x-lines', each: 1, most: 9 } },
  'GET /read': { planId: PLAN, credits: 2 },
  'GET /coded/:coding': { planId: PLAN, credits: 2 },
  'GET /gift': { planId: PLAN, credits: 1, free: { perDay: 2, by: 'address' } },
};
const TEXT = JSON.stringify({ secret: 'worth paying for '.repeat(40) });
const CODED = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT), plain: Buffer.from(TEXT) };

/** As the Worker of tests/rust-handlers, in the words of JavaScript. */
const WORKER = `
  import { paywall, PaywallState } from 'payments-wasm/paywall';
  export { PaywallState };
  const handler = async (request, { env }) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/read') {
      const answer = new Response('secret');
      await answer.text();
      return answer;
    }
    if (pathname.startsWith('/coded/')) return fetch(env.UPSTREAM + pathname);
    return new Response([request.method, pathname, request.headers.get('x-payment-payer') ?? '', request.headers.get('x-payment-credits') ?? ''].join(' '));
  };
  const price = (request) => {
    if (['payment-signature', 'x-payment-payer', 'x-payment-credits'].some((name) => request.headers.has(name))) return undefined;
    return new URL(request.url).pathname.endsWith('/files/big') ? 100 : 1;
  };
  const routes = (env) => Object.fromEntries(Object.entries(JSON.parse(env.ROUTES)).map(([key, route]) => [key, route.credits.by === 'handler' ? { ...route, credits: { ...route.credits, by: price } } : route]));
  let gate;
  export default { fetch: (request, env, context) => (gate ??= paywall(handler, { routes: routes(env) }))(request, env, context) };
`;

const IMPLEMENTATIONS = ['JavaScript', 'Rust'];
let facilitator;
let upstream;
const folders = {};
const stops = [];

before(async () => {
  facilitator = await startFacilitator();
  upstream = createServer((request, response) => {
    const coding = request.url.split('/').at(-1);
    const bytes = CODED[coding];
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length, ...(coding !== 'plain' && { 'content-encoding': coding }) }).end(bytes);
  }).listen(0, '127.0.0.1');
  await event(upstream, 'listening');
  const script = (folder, name) => ({ modulesRoot: folder, scriptPath: `${folder}/${name}` });
  folders.JavaScript = script(await bundled(WORKER, 'both-implementations'), 'stdin.js');
  folders.Rust = await builtHandlers();
  for (const implementation of IMPLEMENTATIONS) gates[implementation] = await start(implementation);
}, { timeout: 20 * 60_000 });
beforeEach(() => facilitator.reset());
after(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await facilitator?.stop();
  upstream?.closeAllConnections();
  upstream?.close();
});

const gates = {};
async function start(implementation, vars = {}) {
  const gate = await startPaywall({
    api: facilitator.url, key: SELLER_KEY, routes: { routes: ROUTES, open: ['GET /health'], unlisted: 'deny' }, state: true, options: folders[implementation],
    vars: { UPSTREAM: `http://127.0.0.1:${upstream.address().port}`, TIMEOUT_MS: '5000', ...vars },
  });
  stops.push(() => gate.stop());
  return gate;
}

const settled = () => facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount);
const said = (answer) => { const header = /^payment-response: (\S+)/im.exec(answer)?.[1]; return header && readHeader(header); };

for (const implementation of IMPLEMENTATIONS) {
  const ask = (path, { method = 'GET', headers = {} } = {}) => {
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: shop.example', `payment-signature: ${token()}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), 'Connection: close', '', ''];
    return raw(gates[implementation].url, lines.join('\r\n'));
  };

  test(`${implementation}: whatever spelling a path comes in, the price, the handler and the settlement are of one`, async () => {
    const paths = ['/files/big', '//files/big', '/files//big', '/files/big/', '/FILES/big', '/files/%62ig', '/files/./big', '/x/../files/big', '/files/big?', '/files/big?x=1',
      '/files/%2562ig', '/files/big;x', '/files/big%00', '/files%2fbig', '/files\\big', '/files/big%20', '/files/big.', '/files/small/../big', '/files/big/.'];
    let delivered = 0;
    for (const method of ['GET', 'HEAD']) {
      for (const path of paths) {
        facilitator.reset();
        const { status, answer } = await ask(path, { method });
        if (status === 400) {
          assert.deepEqual(facilitator.calls, [], path);
          continue;
        }
        delivered++;
        const asked = decodeURIComponent(path.split('?')[0]).endsWith('/files/big.') || path.endsWith('%20') ? '1' : '100';
        assert.deepEqual([status, settled()], [200, [asked]], `${method} ${path}: ${answer}`);
        if (method === 'GET' && asked === '100') assert.ok(answer.includes(`GET /files/big ${PAYER} 100`), `${path}: ${answer}`);
      }
    }
    assert.ok(delivered >= 20, `${delivered} delivered`);
  });

  test(`${implementation}: the price is shown no token and nothing forged, and the handler what the gate says`, async () => {
    const { status, answer } = await ask('/files/small', { headers: { 'x-payment-payer': 'somebody', 'X-Payment-Credits': '0', 'payment_signature': 'x' } });
    assert.ok(status === 400 || answer.includes(`GET /files/small ${PAYER} 1`), answer);
    facilitator.reset();
    const plain = await ask('/files/small', { headers: { 'x-payment-payer': 'somebody', 'X-Payment-Credits': '0' } });
    assert.ok(plain.answer.includes(`GET /files/small ${PAYER} 1`), plain.answer);
    assert.deepEqual(settled(), ['1']);
  });

  test(`${implementation}: a name that some server reads as the price's is refused before anybody is asked`, async () => {
    for (const [path, headers, credits] of [
      ['/words?x_words=2', {}, '2'], ['/words?x_words=2&words=9', {}, '2'], ['/words?x_words=2&x.words=9', {}], ['/words?x_words=2&x-words=9', {}], ['/words?x_words=2&X_WORDS=9', {}],
      ['/words?x_words=2&x_words=9', {}], ['/words?x_words=2&x_words%00=9', {}], ['/words?x_words=2&x_words[]=9', {}], ['/words?x_words=2&%78_words=9', {}], ['/words?x_words=2;x_words=9', {}],
      ['/lines', { 'x-lines': '3' }, '3'], ['/lines', { 'x-lines': '3', 'x-line': '9' }, '3'], ['/lines', { 'x-lines': '3', x_lines: '9' }], ['/lines', { 'x-lines': '3', 'x.lines': '9' }],
    ]) {
      facilitator.reset();
      const { status, answer } = await ask(path, { headers });
      const name = `${path} ${JSON.stringify(headers)}: ${answer}`;
      if (credits) assert.deepEqual([status, settled()], [200, [credits]], name);
      else assert.deepEqual([status, facilitator.calls.length, said(answer)?.success], [400, 0, false], name);
    }
  });

  test(`${implementation}: an answer that was read already is found before it is settled, or is whole all the same`, async () => {
    const { status, answer } = await ask('/read');
    // In Rust an answer of bytes keeps them, whoever has read it.
    if (implementation === 'Rust') return assert.deepEqual([status, settled(), answer.split('\r\n\r\n')[1]], [200, ['2'], 'secret'], answer);
    assert.deepEqual([status, settled(), said(answer).success], [502, [], false], answer);
    assert.match(answer, /Nothing was charged.*origin_unusable/s);
    assert.match(gates[implementation].said(), /cannot be delivered: (its body|the body) was read already/);
  });

  for (const coding of Object.keys(CODED)) {
    test(`${implementation}: what fetch gave is readable, ${coding}`, async () => {
      for (const accepts of ['gzip, br', 'identity', '']) {
        const answer = await fetch(`${gates[implementation].url}/coded/${coding}`, { headers: { 'payment-signature': token(), 'accept-encoding': accepts } });
        assert.deepEqual([answer.status, await answer.text()], [200, TEXT], accepts);
        assert.equal(readHeader(answer.headers.get('payment-response')).creditsRedeemed, '2');
      }
    });

    test(`${implementation}: the next answer of the connection is the next answer, ${coding}`, async () => {
      const socket = connect(Number(new URL(gates[implementation].url).port), '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1').on('data', (part) => { text += part; });
      socket.write(`GET /coded/${coding} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, br\r\npayment-signature: ${token()}\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await event(socket, 'close');
      const [head, rest] = text.split(/\r\n\r\n(.*)/s);
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      const next = length === undefined ? rest.slice(rest.indexOf('\r\n0\r\n\r\n') + 7) : rest.slice(Number(length));
      assert.match(next, /^HTTP\/1\.1 200 .*GET \/health/s, text);
    });
  }

  test(`${implementation}: in a workerd of one's own no client says its address, unless the seller names a header`, async () => {
    const named = await start(implementation, { ADDRESS_HEADER: 'X-Real-IP' });
    for (const [gate, free] of [[gates[implementation], 2], [named, 12]]) {
      let gifts = 0;
      for (let index = 0; index < 12; index++) {
        const address = `203.${index}.113.1`;
        const answer = await fetch(`${gate.url}/gift`, { headers: { 'cf-connecting-ip': address, 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}`, 'true-client-ip': address } });
        if (answer.status === 200) gifts++;
        else assert.equal(answer.status, 402);
        await answer.text();
      }
      assert.equal(gifts, free);
    }
  });
}
