// The sign-in page and the way back from it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSandbox } from './start.mjs';
import { client } from './client.mjs';

let sandbox, anyone;
before(async () => {
  sandbox = await startSandbox();
  anyone = client(sandbox.url);
});
after(() => sandbox?.stop());

const form = (path, fields) =>
  anyone.call('POST', path, new URLSearchParams(fields).toString(), { 'content-type': 'application/x-www-form-urlencoded' });
const claims = (key) => JSON.parse(Buffer.from(key.split('.')[1], 'base64url').toString());

test('a new account comes back with a key, everything else in the address as it was', async () => {
  const returnUrl = 'http://127.0.0.1:5173/app?x=1&nvmState=s%20t%2B#top';
  const { status, headers } = await form('/login', { returnUrl, name: 'Ada' });
  assert.equal(status, 303);
  const location = headers.get('location');
  assert.ok(location.startsWith('http://127.0.0.1:5173/app?x=1&nvmState=s%20t%2B&nvmApiKey='), location);
  const url = new URL(location);
  assert.equal(url.hash, '#top');
  const [key, address] = [url.searchParams.get('nvmApiKey'), url.searchParams.get('accountAddress')];
  assert.match(key, /^local:[\w-]+\.[\w-]+\.[\w-]+$/);
  assert.equal(claims(key).sub, address);
  assert.ok(claims(key).o11y && claims(key).exp > Date.now() / 1000);
  const { status: usable } = await client(sandbox.url, { nvmApiKey: key }).get('/api/v1/delegation');
  assert.equal(usable, 200);
});

test('the page lists accounts, and going on as one signs in as it', async () => {
  const ada = await anyone.open('Grace <b>"Hopper"</b>');
  const { status, text, headers } = await anyone.get('/login?returnUrl=https%3A%2F%2Fapp.example%2Fcb%3Fq%3D1%26r%3D%2522');
  assert.equal(status, 200);
  assert.match(headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal(headers.get('referrer-policy'), 'no-referrer');
  assert.ok(text.includes('Grace &lt;b&gt;&quot;Hopper&quot;&lt;/b&gt;'));
  assert.ok(text.includes(`value="${ada.address}"`));
  assert.ok(text.includes('https://app.example'));
  assert.ok(!/<script|src=|@import|url\(/i.test(text), 'no script, nothing from elsewhere');
  const { headers: back } = await form('/login', { returnUrl: 'https://app.example/cb', account: ada.address });
  assert.equal(new URL(back.get('location')).searchParams.get('accountAddress'), ada.address);
  assert.equal((await form('/login', { returnUrl: 'https://app.example/cb', account: '0x' + '0'.repeat(40) })).status, 404);
});

test('a way back that is none is refused, on the page and on the way', async () => {
  for (const returnUrl of ['', 'javascript:alert(1)', ' JAVASCRIPT:alert(1)', 'data:text/html,x', '/here', '//a.example', 'file:///etc/passwd', 'https://u:p@a.example/']) {
    const page = await anyone.get(`/login?returnUrl=${encodeURIComponent(returnUrl)}`);
    const post = await form('/login', { returnUrl, name: 'Eve' });
    assert.deepEqual([page.status, post.status, post.headers.get('location')], [400, 400, null], returnUrl);
    assert.ok(!page.text.includes('alert(1)'));
  }
  assert.equal((await anyone.get('/login')).status, 400);
});

test('a key that was in the address before is replaced', async () => {
  const { headers } = await form('/login', { returnUrl: 'https://a.example/?nvmApiKey=old&x=1&accountAddress=0x0', name: 'Ada' });
  const { searchParams } = new URL(headers.get('location'));
  assert.deepEqual([...searchParams.keys()], ['x', 'nvmApiKey', 'accountAddress']);
  assert.notEqual(searchParams.get('nvmApiKey'), 'old');
});

test('the command line signs in through this machine only', async () => {
  const callback = 'http://localhost:4567/callback';
  assert.equal((await anyone.get(`/auth/cli?callback_url=${encodeURIComponent(callback)}`)).status, 200);
  const { status, headers } = await form('/auth/cli', { callback_url: callback, name: 'Ada' });
  assert.equal(status, 303);
  const url = new URL(headers.get('location'));
  assert.deepEqual([url.origin + url.pathname, [...url.searchParams.keys()]], [callback, ['nvm_api_key']]);
  assert.equal((await form('/auth/cli', { callback_url: 'https://a.example/callback', name: 'Ada' })).status, 400);
});

test('what a callback carries comes back with the key, its state first of all', async () => {
  const callback = 'http://127.0.0.1:4567/callback?state=s%20t%2B&x=1';
  const page = await anyone.get(`/auth/cli?callback_url=${encodeURIComponent(callback)}`);
  assert.ok(page.text.includes('value="http://127.0.0.1:4567/callback?state=s%20t%2B&amp;x=1"'));
  const { headers } = await form('/auth/cli', { callback_url: callback, name: 'Ada' });
  assert.ok(headers.get('location').startsWith(`${callback}&nvm_api_key=local%3A`), headers.get('location'));
});
