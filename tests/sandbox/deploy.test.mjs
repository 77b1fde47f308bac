// The sandbox as it is deployed: the folder alone, by what its own wrangler.toml says, under a name of the internet's.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Miniflare, NoOpLog } from 'miniflare';
import { dist } from '../../scripts/lib/build.mjs';
import { planBody } from './client.mjs';

const HERE = 'https://nevermined-sandbox.team.workers.dev';
const SECRET = 'the secret of the team';

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'payments-wasm-deploy-'));
  cpSync(dist('sandbox'), join(folder, 'worker'), { recursive: true });
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The configuration as wrangler reads it. */
function config() {
  const text = readFileSync(join(folder, 'worker/wrangler.toml'), 'utf8').replace(/^#.*\n/gm, '');
  const said = (name) => new RegExp(`^${name} = "(.*)"$`, 'm').exec(text)?.[1];
  const binding = /\[\[durable_objects\.bindings\]\]\nname = "(\w+)"\nclass_name = "(\w+)"/.exec(text);
  return {
    main: said('main'), date: said('compatibility_date'), flags: /compatibility_flags/.test(text), noBundle: /^no_bundle = true$/m.test(text), binding: binding[1], className: binding[2],
    migrated: JSON.parse(/^new_sqlite_classes = (\[.*\])$/m.exec(text)[1]), vars: /^\[vars\]/m.test(text),
    rules: [...text.matchAll(/\[\[rules\]\]\ntype = "(\w+)"\nglobs = (\[.*\])/g)].map(([, type, globs]) => ({ type, include: JSON.parse(globs) })),
  };
}

/** Runs it so, and gives `call(method, path, body, headers)` to it. */
async function deployed(t, bindings = {}) {
  const { main, date, binding, className, migrated, rules, noBundle, flags, vars } = config();
  assert.deepEqual([migrated, noBundle, flags, vars], [[className], true, false, false]);
  const miniflare = new Miniflare({
    modules: true, modulesRoot: join(folder, 'worker'), scriptPath: join(folder, 'worker', main), modulesRules: rules, compatibilityDate: date,
    durableObjects: { [binding]: { className, useSQLite: true } }, bindings, log: new NoOpLog(), cf: false, handleRuntimeStdio: () => {},
  });
  t.after(() => miniflare.dispose());
  return async (method, path, body, headers = {}) => {
    const answer = await miniflare.dispatchFetch(HERE + path, { method, redirect: 'manual', headers: { 'content-type': 'application/json', ...headers }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, text, headers: answer.headers, json: text.startsWith('{') ? JSON.parse(text) : undefined };
  };
}

test('without a secret its own routes are shut, and the platform is there', async (t) => {
  const call = await deployed(t);
  assert.equal((await call('GET', '/')).json.name, 'Nevermined sandbox');
  for (const [method, path] of [['GET', '/sandbox/state'], ['POST', '/sandbox/accounts'], ['POST', '/sandbox/reset'], ['POST', '/sandbox/seed'], ['GET', '/sandbox/calls']]) {
    const { status, json } = await call(method, path);
    assert.deepEqual([status, json.code], [403, 'SANDBOX.NOT_LOCAL'], path);
    assert.match(json.hint, /SANDBOX_SECRET/);
  }
});

test('with one a team shares it: seeds it, signs in, sells and buys', async (t) => {
  const call = await deployed(t, { SANDBOX_SECRET: SECRET });
  const team = (method, path, body, headers) => call(method, path, body, { authorization: `Bearer ${SECRET}`, ...headers });
  assert.equal((await call('GET', '/sandbox/state')).json.code, 'SANDBOX.SECRET');
  assert.equal((await call('GET', '/dashboard')).status, 200);
  const { status, json } = await team('POST', '/sandbox/seed', { users: [{ id: 'seller' }, { id: 'buyer' }] });
  assert.equal(status, 201);
  const { seller, buyer } = json.users;
  const as = (user) => ({ authorization: `Bearer ${user.nvmApiKey}` });
  const { planId } = (await call('POST', '/api/v1/protocol/plans', planBody(seller.accountAddress), as(seller))).json;
  assert.equal((await call('POST', `/api/v1/protocol/plans/${planId}/order`, undefined, as(buyer))).status, 201);
  assert.equal((await call('GET', `/api/v1/protocol/plans/${planId}/balance/${buyer.accountAddress}`)).json.balance, '100');
  const page = await call('GET', `/login?returnUrl=${encodeURIComponent('https://app.example/')}`);
  assert.deepEqual([page.status, page.headers.get('access-control-allow-origin')], [200, '*']);
  assert.equal((await team('GET', '/sandbox/state', undefined, { origin: 'https://evil.example' })).json.code, 'SANDBOX.CROSS_ORIGIN');
  assert.equal((await team('GET', '/sandbox/state', undefined, { origin: HERE })).json.balances.total, 1);
  assert.equal((await team('GET', '/sandbox/faults')).status, 404, 'faults are off unless a variable says otherwise');
});
