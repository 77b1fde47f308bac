// Datasets, models, media: a bucket, or files of the Worker's own, behind the gate. What is asked for in parts, what is
// known already, and what of it is paid for (money rules 16 and 19).
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { PLAN, raw, readHeader, startAll, token } from './harness.mjs';

const TEXT = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('');
const ROUTES = { 'GET /data/*rest': { planId: PLAN, credits: 2 } };

const folder = mkdtempSync(join(tmpdir(), 'assets-'));
mkdirSync(join(folder, 'data'));
writeFileSync(join(folder, 'data', 'lines.txt'), TEXT);
writeFileSync(join(folder, 'secret.txt'), 'not listed');
writeFileSync(join(folder, 'page.html'), '<p>worth paying for</p>');
mkdirSync(join(folder, 'folder'));
writeFileSync(join(folder, 'folder', 'index.html'), '<p>worth paying for</p>');
after(() => rmSync(folder, { recursive: true, force: true }));

const ORIGINS = {
  'a bucket': {
    options: { r2Buckets: ['BUCKET'] },
    async fill({ miniflare }) {
      const bucket = await miniflare.getR2Bucket('BUCKET', 'paywall');
      await bucket.put('data/lines.txt', TEXT, { httpMetadata: { contentType: 'text/plain', cacheControl: 'public, max-age=60' } });
      await bucket.put('secret.txt', 'not listed');
      const squeezed = await new Response(new Response(TEXT).body.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
      await bucket.put('data/lines.gz.txt', squeezed, { httpMetadata: { contentType: 'text/plain', contentEncoding: 'gzip' } });
    },
  },
  'files of its own': {
    options: { assets: { directory: folder, binding: 'ASSETS', routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true } } },
  },
};

for (const [what, { options, fill }] of Object.entries(ORIGINS)) {
  let all;
  before(async () => {
    all = await startAll({ vars: { ORIGIN_URL: undefined, ROUTES, OPEN_ROUTES: [] }, options });
    await fill?.(all.paywall);
  });
  beforeEach(() => all.reset());
  after(() => all.stop());
  const settles = () => all.facilitator.count('settle');

  test(`${what}: nothing without payment`, async () => {
    for (const init of [{}, { method: 'HEAD' }, { headers: { range: 'bytes=0-9' } }, { headers: { 'if-none-match': '*' } }]) {
      const response = await all.get('/data/lines.txt', init);
      assert.equal(response.status, 402);
      assert.equal(response.headers.get('etag'), null);
    }
    assert.equal((await all.paid('/secret.txt')).status, 404);
    assert.equal(all.facilitator.calls.length, 0);
  });

  test(`${what}: the whole, and its head`, async () => {
    const response = await all.paid('/DATA//lines.txt');
    assert.equal(response.status, 200);
    assert.equal(await response.text(), TEXT);
    assert.match(response.headers.get('content-type'), /^text\/plain/);
    assert.match(response.headers.get('cache-control'), /^private\b(?!.*public)/);
    assert.equal(response.headers.get('accept-ranges'), 'bytes');
    assert.match(response.headers.get('etag'), /^(W\/)?".+"$/);
    assert.equal(readHeader(response.headers.get('payment-response')).success, true);
    const head = await all.paid('/data/lines.txt', { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    assert.equal(head.headers.get('etag'), response.headers.get('etag'));
    if (what === 'a bucket') assert.equal(head.headers.get('content-length'), String(TEXT.length));
    assert.equal(settles(), 2);
  });

  test(`${what}: a part costs what the route costs`, async () => {
    for (const [range, from, to] of [['bytes=0-9', 0, 10], ['bytes=20000-20099', 20000, 20100], ['bytes=-7', TEXT.length - 7, TEXT.length]]) {
      const response = await all.paid('/data/lines.txt', { headers: { range } });
      assert.equal(response.status, 206);
      assert.equal(await response.text(), TEXT.slice(from, to));
      assert.equal(response.headers.get('content-range'), `bytes ${from}-${to - 1}/${TEXT.length}`);
      assert.equal(response.headers.get('content-length'), String(to - from));
    }
    assert.deepEqual(all.facilitator.calls.filter(({ call }) => call === 'settle').map(({ body }) => body.maxAmount), ['2', '2', '2']);
  });

  test(`${what}: what the buyer has already, and what is not there, costs nothing`, async () => {
    const etag = (await all.paid('/data/lines.txt')).headers.get('etag');
    all.reset();
    const unpaid = async (path, headers) => {
      const response = await all.paid(path, { headers });
      assert.equal(await response.text(), '');
      assert.equal(readHeader(response.headers.get('payment-response')).errorReason, 'not_settled');
      return response;
    };
    const known = await unpaid('/data/lines.txt', { 'if-none-match': etag });
    assert.equal(known.status, 304);
    assert.equal(known.headers.get('etag'), etag);
    // It would make the copy that a browser keeps one for everybody.
    assert.doesNotMatch(known.headers.get('cache-control'), /public/);
    const outside = await unpaid('/data/lines.txt', { range: 'bytes=900000-' });
    assert.deepEqual([outside.status, outside.headers.get('content-range')], [416, `bytes */${TEXT.length}`]);
    const missing = await all.paid('/data/none.txt');
    assert.equal(missing.status, 404);
    assert.equal(settles(), 0);
  });

  test(`${what}: a part of what has changed is the whole`, async () => {
    const etag = (await all.paid('/data/lines.txt')).headers.get('etag');
    const response = await all.paid('/data/lines.txt', { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
    assert.deepEqual([response.status, await response.text()], [200, TEXT]);
    if (etag.startsWith('W/')) return;
    const same = await all.paid('/data/lines.txt', { headers: { range: 'bytes=0-9', 'if-range': etag } });
    assert.deepEqual([same.status, await same.text()], [206, TEXT.slice(0, 10)]);
  });
}

test('a page and a folder are paid for under every name that the platform serves them at', async () => {
  const paid = { 'GET /page': { planId: PLAN, credits: 1 }, 'GET /folder': { planId: PLAN, credits: 1 } };
  const { options } = ORIGINS['files of its own'];
  const all = await startAll({ vars: { ORIGIN_URL: undefined, ROUTES: paid, OPEN_ROUTES: [], UNLISTED: 'pass' }, options });
  try {
    for (const path of ['/page', '/page/', '/page.html', '/PAGE.html', '/page/index.html', '/page/index', '/folder', '/folder/', '/folder/index.html', '/folder/index', '/folder.html']) {
      const response = await all.get(path);
      assert.ok([400, 402].includes(response.status), `${path}: ${response.status}`);
      assert.doesNotMatch(await response.text(), /worth paying for/);
    }
    assert.match(await (await all.paid('/page')).text(), /worth paying for/);
    assert.equal(await (await all.get('/secret.txt')).text(), 'not listed');
  } finally { await all.stop(); }
});

test('an object that is stored squeezed is delivered as it is stored', async () => {
  const { options, fill } = ORIGINS['a bucket'];
  const all = await startAll({ vars: { ORIGIN_URL: undefined, ROUTES, OPEN_ROUTES: [] }, options });
  try {
    await fill(all.paywall);
    const { answer } = await raw(all.paywall.url, `GET /data/lines.gz.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: gzip\r\npayment-signature: ${token()}\r\n\r\n`);
    assert.match(answer, /content-encoding: gzip/i);
    const response = await all.paid('/data/lines.gz.txt');
    assert.equal(await response.text(), TEXT);
  } finally { await all.stop(); }
});
