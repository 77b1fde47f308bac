// The client of the platform that all of JavaScript and the library for Workers share: `src/bindings/http/answer.js`.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MAX_ANSWER_BYTES, bytes, exchange } from '../../src/bindings/http/answer.js';

const ID = { 'x-correlation-id': 'c-1' };
const whole = (body, headers = {}) => (response) => response.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
const pieces = (...parts) => (response) => {
  response.writeHead(200);
  parts.forEach((part) => response.write(part));
  response.end();
};
const LATIN1 = Buffer.from([0x22, 0xff, 0x22]);
const LARGEST = 'x'.repeat(MAX_ANSWER_BYTES);

/** Each thing that the server does, with the answer that is right. */
const CASES = {
  'a short text': [whole('{"a":"é"}', ID), [200, 'c-1', '{"a":"é"}']],
  'a text in pieces that cut a letter': [pieces(Buffer.from([0x22, 0xc3]), Buffer.from([0xa9, 0x22])), [200, '', '"é"']],
  'no body': [(response) => response.writeHead(204).end(), [204, '', '']],
  'an empty body': [whole(''), [200, '', '']],
  'the largest text': [whole(LARGEST), [200, '', LARGEST]],
  'the largest text in pieces': [pieces(LARGEST), [200, '', LARGEST]],
  'a text that is too long': [whole(`${LARGEST}x`), 'unreadable'],
  'a text in pieces that is too long': [pieces(LARGEST, 'x'), 'unreadable'],
  'a text that is too long when it is unpacked': [whole(gzipSync(`${LARGEST}x`), { 'content-encoding': 'gzip' }), 'unreadable'],
  'a packed text': [whole(gzipSync('{}'), { 'content-encoding': 'gzip' }), [200, '', '{}']],
  'the sign for what cannot be read, written as such': [whole('"\ufffd"'), [200, '', '"\ufffd"']],
  'the same in pieces': [pieces('"\ufffd"'), [200, '', '"\ufffd"']],
  'no UTF-8': [whole(LATIN1), 'unreadable'],
  'no UTF-8, in pieces': [pieces(LATIN1), 'unreadable'],
  'a byte order mark, which is left out': [whole('\ufeff{}'), [200, '', '{}']],
  'a byte order mark, in pieces': [pieces('\ufeff{}'), [200, '', '{}']],
  'a redirect, which is not followed': [(response) => response.writeHead(302, { location: '/a short text' }).end(), [302, '', '']],
  'no answer': [(response) => response.destroy(), 'unreachable'],
  'a body that breaks off': [(response) => { response.writeHead(200, { 'content-length': 9 }).write('{'); setImmediate(() => response.destroy()); }, 'unreachable'],
  'silence': [() => {}, 'timedOut'],
  'silence after the head': [(response) => response.writeHead(200, { 'content-length': 9 }).write('{'), 'timedOut'],
  'silence after a piece': [(response) => response.writeHead(200).write('{'), 'timedOut'],
};

const server = createServer((request, response) => CASES[decodeURIComponent(request.url.slice(1))][0](response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
after(() => {
  server.closeAllConnections();
  server.close();
});
const at = (name) => `http://127.0.0.1:${server.address().port}/${encodeURIComponent(name)}`;

for (const [name, [, expected]] of Object.entries(CASES)) {
  test(`an answer of the platform: ${name}`, async () => {
    assert.deepEqual(await exchange(at(name), 'GET', [], undefined, expected === 'timedOut' ? 100 : 20_000), expected);
  });
}

test('nothing is sent to an address that is none', async () => {
  assert.equal(await exchange('http://', 'GET', [], undefined, 20_000), 'unreachable');
});

test('method, headers and body are sent', async () => {
  const seen = new Promise((done) => {
    CASES.seen = [async (response) => {
      const { method, headers } = response.req;
      let body = '';
      for await (const part of response.req) body += part;
      done([method, headers.authorization, body]);
      response.end();
    }];
  });
  await exchange(at('seen'), 'POST', [['authorization', 'Bearer k']], '{"a":1}', 20_000);
  assert.deepEqual(await seen, ['POST', 'Bearer k', '{"a":1}']);
});

test('the rest of a stream is let go where it is too long, or a signal comes first', async () => {
  for (const [limit, signal] of [[2, undefined], [9, AbortSignal.abort()]]) {
    let cancelled = false;
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(3)), cancel: () => { cancelled = true; } });
    assert.equal(await bytes(stream.getReader(), limit, signal), undefined);
    assert.ok(cancelled, `${limit}`);
  }
});
