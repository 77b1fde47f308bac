// A delivery matches its headers, and an undeliverable response is found before it is settled (rule 19).
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once as event } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { honoPaywall } from '../../target/dist/subscriber/paywall.js';
import { toNodeListener } from '../../target/dist/subscriber/paywall.node.js';
import { PAYER, PLAN, json, readHeader, token } from '../workerd/harness.mjs';
import { facilitator, gated, captureLog, options } from './harness.mjs';

const TEXT = JSON.stringify({ secret: 'worth paying for '.repeat(40) });
const CODED = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT), deflate: deflateSync(TEXT), 'x-gzip': gzipSync(TEXT) };
// Something that no text is: what is coded and what is not look alike but for their marks.
const BYTES = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * at * 31 + at * 7) % 256));
let upstream;
let url;
before(async () => {
  upstream = createServer((request, response) => {
    const [, coding, kind] = request.url.split('/');
    const bytes = kind === 'bytes' ? { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync }[coding](BYTES) : CODED[coding];
    if (coding === 'plain') return response.end(TEXT);
    response.writeHead(200, { 'content-type': kind === 'bytes' ? 'application/octet-stream' : 'application/json', 'content-encoding': coding, 'content-length': bytes.length }).end(bytes);
  });
  upstream.listen(0, '127.0.0.1');
  await event(upstream, 'listening');
  url = `http://127.0.0.1:${upstream.address().port}`;
});
after(() => { upstream.closeAllConnections(); upstream.close(); });

const ROUTES = { routes: { 'GET /ask': { planId: PLAN, credits: 2 } } };
async function served(handler, work) {
  const server = createServer(toNodeListener(handler)).listen(0, '127.0.0.1');
  await event(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
const viaHono = (handler, ...middlewares) => {
  const app = new Hono();
  for (const middleware of middlewares) app.use(middleware);
  app.use(honoPaywall(options(ROUTES)));
  app.get('/ask', handler);
  app.get('/health', handler);
  return (request, env) => app.fetch(request, env);
};
const ways = {
  'a handler that hands on what fetch gave': (path) => gated(ROUTES, () => fetch(url + path)).gate,
  'a handler that makes a response of it': (path) => gated(ROUTES, async () => { const answer = await fetch(url + path); return new Response(answer.body, answer); }).gate,
  'a handler that makes one of its bytes and headers': (path) => gated(ROUTES, async () => { const answer = await fetch(url + path); return new Response(await answer.arrayBuffer(), { headers: answer.headers }); }).gate,
  'a handler of Hono': (path) => viaHono(() => fetch(url + path)),
  'a handler of Hono behind cors()': (path) => viaHono(() => fetch(url + path), cors()),
};
for (const [name, make] of Object.entries(ways)) {
  for (const coding of ['gzip', 'br', 'deflate', 'x-gzip']) {
    test(`${name}, ${coding}: readable, paid or open`, async () => {
      await served(make(`/${coding}`), async (gate) => {
        for (const path of ['/ask', '/health']) {
          const answer = await fetch(gate + path, { headers: { 'payment-signature': token() } });
          assert.equal(await answer.text(), TEXT);
        }
      });
    });
  }
  test(`${name}: bytes that are no text`, async () => {
    for (const coding of ['gzip', 'br', 'deflate']) {
      await served(make(`/${coding}/bytes`), async (gate) => {
        const answer = await fetch(`${gate}/ask`, { headers: { 'payment-signature': token() } });
        assert.ok(Buffer.from(await answer.arrayBuffer()).equals(BYTES), coding);
      });
    }
  });
}

test('what a handler has encoded itself stays encoded', async () => {
  const made = (coding, bytes) => () => new Response(bytes, { headers: { 'content-encoding': coding, 'content-length': String(bytes.length) } });
  const own = { ...CODED, raw: deflateRawSync(TEXT) };
  for (const [coding, bytes] of Object.entries(own)) {
    const name = coding === 'raw' ? 'deflate' : coding;
    await served(gated(ROUTES, made(name, bytes)).gate, async (gate) => {
      const answer = await fetch(`${gate}/ask`, { headers: { 'payment-signature': token() } });
      assert.deepEqual([answer.headers.get('content-encoding'), await answer.text()], [name, TEXT], coding);
    });
  }
  const streamed = viaHono((c) => c.text(TEXT), compress({ threshold: 0 }));
  await served(streamed, async (gate) => {
    const answer = await fetch(`${gate}/ask`, { headers: { 'payment-signature': token(), 'accept-encoding': 'gzip' } });
    assert.deepEqual([answer.headers.get('content-encoding'), await answer.text()], ['gzip', TEXT]);
  });
});

test('a connection carries as many bytes as content-length says, whatever the handler made of it', async () => {
  const handlers = {
    'a text that was made shorter': async () => new Response('short', { headers: { 'content-length': '9' } }),
    'a text that was made longer': async () => new Response('longer than it was', { headers: { 'content-length': '4' } }),
    'nothing at all': async () => new Response('', { headers: { 'content-length': '4' } }),
    'what fetch has decoded': () => fetch(`${url}/gzip`),
    'what it says': async () => new Response('four', { headers: { 'content-length': '4' } }),
  };
  for (const [name, handler] of Object.entries(handlers)) {
    const { gate } = gated({ ...ROUTES, openRoutes: ['GET /after'] }, (request) => (new URL(request.url).pathname === '/after' ? new Response('AFTER') : handler()));
    await served(gate, async (address) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1').on('data', (part) => { text += part; });
      socket.write(`GET /ask HTTP/1.1\r\nHost: x\r\npayment-signature: ${token()}\r\n\r\nGET /after HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      await event(socket, 'close');
      const [head, rest] = text.split(/\r\n\r\n(.*)/s);
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      const next = length === undefined ? rest.slice(rest.indexOf('\r\n0\r\n\r\n') + 7) : rest.slice(Number(length));
      assert.match(next, /^HTTP\/1\.1 200 /, `${name}: ${text}`);
      assert.match(next, /AFTER/);
    });
  }
});

test('a stream that is longer than its headers say ends the connection, and is not read as the next answer', async () => {
  const endless = () => new Response(new ReadableStream({ async pull(controller) { await new Promise((done) => setTimeout(done, 5)); controller.enqueue(new Uint8Array(10)); } }), { headers: { 'content-length': '25' } });
  await served(gated(ROUTES, endless).gate, async (gate) => {
    const socket = connect(Number(new URL(gate).port), '127.0.0.1');
    let size = 0;
    socket.on('data', (part) => { size += part.length; });
    socket.write(`GET /ask HTTP/1.1\r\nHost: x\r\npayment-signature: ${token()}\r\n\r\n`);
    await event(socket, 'close');
    assert.ok(size < 2000);
  });
});

const spent = {
  'was read': async () => { const answer = new Response('secret'); await answer.text(); return answer; },
  'is locked': async () => { const answer = new Response('secret'); answer.body.getReader(); return answer; },
  'was read in part': async () => { const answer = new Response('secret'); const reader = answer.body.getReader(); await reader.read(); reader.releaseLock(); return answer; },
};
for (const [name, handler] of Object.entries(spent)) {
  test(`a response whose body ${name}: 502, and nothing is charged`, async () => {
    const { ask } = gated({}, handler);
    const said = await captureLog(async () => {
      const answer = await ask();
      const { code, message } = await answer.json();
      assert.deepEqual([answer.status, code, facilitator.count('settle')], [502, 'origin_unusable', 0]);
      assert.match(message, /read .*Nothing was charged/);
      assert.equal(readHeader(answer.headers.get('payment-response')).success, false);
      const open = await ask('/health', { method: 'GET', paid: false });
      assert.equal(open.status, 502);
    });
    assert.match(said, /handler: its Response cannot be delivered: its body was read already/);
  });
}

const later = {
  'is read': (answer) => answer.text(),
  'is cancelled': (answer) => answer.body.cancel(),
  'is cloned': async (answer) => answer.clone(),
};
for (const [name, use] of Object.entries(later)) {
  test(`a response whose body ${name} while it is settled is delivered whole, and the handler's code is told no`, async () => {
    let used;
    const { ask } = gated({}, () => {
      const answer = new Response('secret');
      facilitator.settle = async (response, { maxAmount }) => {
        used = await use(answer).then(() => 'used', (error) => error.name);
        json(response, 200, { success: true, payer: PAYER, transaction: '0xabc', network: 'eip155:84532', creditsRedeemed: maxAmount, remainingBalance: '98' });
      };
      return answer;
    });
    const answer = await ask();
    assert.deepEqual([answer.status, await answer.text(), used, facilitator.count('settle')], [200, 'secret', 'TypeError', 1]);
    assert.equal(readHeader(answer.headers.get('payment-response')).success, true);
  });
}

test('hono: a logger that reads c.res behind the gate: 502, and nothing is charged', async () => {
  const app = new Hono();
  app.use(honoPaywall(options(ROUTES)));
  app.use(async (c, next) => { await next(); await c.res.text(); });
  app.get('/ask', (c) => c.text('secret'));
  await captureLog(async () => {
    const answer = await app.request('/ask', { headers: { 'payment-signature': token() } });
    assert.deepEqual([answer.status, facilitator.count('settle')], [502, 0]);
  });
});

test('HEAD and 304 keep what they say of a body that is not there', async () => {
  const { ask } = gated({ routes: { 'GET /ask': { planId: PLAN, credits: 1 } } }, () => new Response(null, { headers: { 'content-encoding': 'gzip', 'content-length': '77' } }));
  const answer = await ask('/ask', { method: 'HEAD' });
  assert.deepEqual([answer.headers.get('content-encoding'), answer.headers.get('content-length')], ['gzip', '77']);
});
