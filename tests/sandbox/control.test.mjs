// The sandbox's own routes hand out keys and make calls fail: they are for this machine or for whoever has the secret, and
// never for a page of another origin.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client } from './client.mjs';

const SECRET = 'a secret of the team';
let open, closed, ada, plan;
before(async () => {
  open = await startSandbox({ vars: { SANDBOX_FAULTS: '1' } });
  closed = await startSandbox({ vars: { SANDBOX_FAULTS: '1', SANDBOX_SECRET: SECRET } });
  ada = await client(open.url).open('Ada');
  plan = await ada.plan();
});
after(() => Promise.all([open, closed].map((one) => one?.stop())));

/** A request with any headers there are, which `fetch` would not send. */
function raw(url, { method = 'GET', path, headers = {}, body }) {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const sent = request({ hostname, port, method, path, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', () => done({
        status: answer.statusCode, headers: answer.headers, text, json: answer.headers['content-type']?.includes('json') ? JSON.parse(text) : undefined,
      }));
    });
    sent.on('error', fail).end(body);
  });
}

/** Each of them, in an order in which a call that gets through does no harm to the next. */
const ROUTES = [
  ['GET', '/sandbox/state'], ['GET', '/sandbox/watch'], ['GET', '/sandbox/calls'], ['GET', '/sandbox/clock'], ['GET', '/sandbox/settings'],
  ['GET', '/sandbox/faults'], ['POST', '/sandbox/faults'], ['DELETE', '/sandbox/faults'], ['DELETE', '/sandbox/faults/1'], ['POST', '/sandbox/clock'],
  ['POST', '/sandbox/settings'], ['POST', '/sandbox/accounts'], ['POST', '/sandbox/organizations'], ['POST', '/sandbox/seed'], ['DELETE', '/sandbox/calls'],
  ['DELETE', '/sandbox/delegations/x'], ['POST', '/sandbox/reset'], ['GET', '/sandbox/nowhere'],
];
const routes = () => [...ROUTES, ['GET', `/sandbox/accounts/${ada.address}/keys`], ['POST', `/sandbox/accounts/${ada.address}/keys`],
  ['DELETE', `/sandbox/accounts/${ada.address}/keys`], ['POST', `/sandbox/accounts/${ada.address}/credits`]];

describe('a page of another origin', () => {
  for (const [how, headers] of [
    ['names its origin', { origin: 'http://evil.example' }],
    ['is on this machine, on another port', { origin: 'http://127.0.0.1:1' }],
    ['is on this machine, by another name', { origin: 'http://localhost' }],
    ['is a file or a sandboxed frame', { origin: 'null' }],
    ['sends what needs no preflight, by the browser’s word', { 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' }],
    ['is of the same site', { 'sec-fetch-site': 'same-site' }],
    ['has the secret', { origin: 'http://evil.example', authorization: `Bearer ${SECRET}` }],
  ]) {
    test(`${how}: nothing is done, and nothing can be read`, async () => {
      for (const [method, path] of routes()) {
        for (const sandbox of [open, closed]) {
          const answer = await raw(sandbox.url, { method, path, headers });
          assert.deepEqual([answer.status, answer.json?.code], [403, 'SANDBOX.CROSS_ORIGIN'], `${method} ${path}`);
          assert.equal(answer.headers['access-control-allow-origin'], undefined, path);
        }
      }
      assert.equal((await ada.get(`/api/v1/protocol/plans/${plan}`)).status, 200, 'it was not reset');
      assert.equal((await ada.get('/api/v1/protocol/plans')).status, 200, 'the key was not revoked');
    });
  }

  test('asks first, and is not answered', async () => {
    for (const path of ['/sandbox/accounts', '//sandbox/state', '/dashboard']) {
      const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
      const answer = await raw(open.url, { method: 'OPTIONS', path, headers });
      for (const name of Object.keys(answer.headers)) assert.ok(!name.startsWith('access-control-'), `${path}: ${name}`);
    }
  });

  test('cannot press the buttons of the pages either', async () => {
    for (const path of ['/login', '/auth/cli', '/checkout/cs', '/cards/setup']) {
      const answer = await raw(open.url, { method: 'POST', path, headers: { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }, body: 'returnUrl=http://evil.example/' });
      assert.deepEqual([answer.status, answer.json?.code, answer.headers.location], [403, 'SANDBOX.CROSS_ORIGIN', undefined], path);
    }
  });

  test('may use the API, as on the hosted service', async () => {
    const answer = await raw(open.url, { path: `/api/v1/protocol/plans/${plan}`, headers: { origin: 'http://page.example', 'sec-fetch-site': 'cross-site' } });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, '*']);
  });
});

test('the sandbox’s own page and programs on this machine get through', async () => {
  for (const headers of [{}, { origin: open.url, 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }]) {
    assert.equal((await raw(open.url, { path: '/sandbox/state', headers })).status, 200, JSON.stringify(headers));
  }
});

test('under a name that is not of this machine they are shut, and the API is not', async () => {
  const { port } = new URL(open.url);
  for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, '192.168.1.5', 'localhost.evil.example']) {
    for (const [method, path] of routes()) {
      const answer = await raw(open.url, { method, path, headers: { host } });
      assert.deepEqual([answer.status, answer.json.code], [403, 'SANDBOX.NOT_LOCAL'], `${host} ${path}`);
    }
    assert.equal((await raw(open.url, { path: '/', headers: { host } })).status, 200);
  }
  for (const host of [`localhost:${port}`, `[::1]:${port}`]) assert.equal((await raw(open.url, { path: '/sandbox/clock', headers: { host } })).status, 200, host);
});

test('with a secret, all must show it, under any name', async () => {
  for (const host of [new URL(closed.url).host, 'sandbox.team.workers.dev']) {
    for (const [method, path] of routes()) {
      for (const authorization of [undefined, 'Bearer ', `Bearer ${SECRET}x`, `Bearer ${ada.key}`, SECRET, `Basic ${SECRET}`]) {
        const answer = await raw(closed.url, { method, path, headers: { host, ...(authorization && { authorization }) } });
        assert.deepEqual([answer.status, answer.json.code], [401, 'SANDBOX.SECRET'], `${host} ${method} ${path} ${authorization}`);
        assert.ok(!answer.text.includes(SECRET));
      }
    }
    const made = await raw(closed.url, { method: 'POST', path: '/sandbox/accounts', headers: { host, authorization: `Bearer ${SECRET}` } });
    assert.equal(made.status, 201);
    assert.equal((await raw(closed.url, { path: '/api/v1/protocol/plans', headers: { host, authorization: `Bearer ${made.json.nvmApiKey}` } })).status, 200);
  }
});

test('a browser that opens the address gets the dashboard, a client what it always got', async () => {
  const answer = await raw(open.url, { path: '/', headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' } });
  assert.deepEqual([answer.status, answer.headers.location], [303, '/dashboard']);
  for (const accept of ['*/*', 'application/json', undefined]) {
    const answer = await raw(open.url, { path: '/', headers: accept ? { accept } : {} });
    assert.deepEqual([answer.status, Object.keys(answer.json.deployment.contracts).length], [200, 19]);
  }
});

test('the dashboard is one page of its own scripts and sheets, and nothing else', async () => {
  const { status, text, headers } = await raw(open.url, { path: '/dashboard' });
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^text\/html/);
  const policy = headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(part), part);
  assert.ok(!policy.includes('unsafe'));
  assert.equal(headers['x-frame-options'], 'DENY');
  assert.equal(headers['access-control-allow-origin'], undefined);
  const linked = [...text.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => path);
  assert.ok(linked.length >= 4);
  for (const path of linked) {
    const file = await raw(open.url, { path });
    assert.equal(file.status, 200, path);
    assert.equal(file.headers['x-content-type-options'], 'nosniff', path);
    assert.match(file.headers['content-type'], /^(text\/(css|javascript)|image\/svg\+xml)/, path);
  }
  assert.equal((await raw(open.url, { path: '/dashboard/none.js' })).status, 404);
  assert.equal((await raw(open.url, { path: '/dashboard/..%2f..%2fCargo.toml' })).status, 404);
});

test('where a secret is wanted the page itself can be opened: it asks for it', async () => {
  assert.equal((await raw(closed.url, { path: '/dashboard', headers: { host: 'sandbox.team.workers.dev' } })).status, 200);
});
