// Login in a real browser: by redirect, by popup, in several tabs; and what somebody may plant. The page is a bare one, so
// that what is tested is the package.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { newAccount } from '../../scripts/lib/stage.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { launch } from './person.mjs';

let sandbox;
let site;
let other;
let browser;
let context;

before(async () => {
  sandbox = await startSandbox();
  site = await serve();
  other = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all([site, other].map((one) => one?.stop()));
  await sandbox?.stop();
});
beforeEach(async () => (context = await browser.newContext()));
afterEach(() => context.close());

/** An empty page, and the package under /pkg/. */
async function serve() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (!pathname.startsWith('/pkg/')) return response.setHeader('content-type', 'text/html').end('<!doctype html><title>page</title><link rel="icon" href="data:,">');
    response.setHeader('content-type', 'text/javascript').end(readFileSync(dist('subscriber', pathname.slice(5))));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

/** Opens the page and makes an instance there, as `payments`; `told` collects what its listeners hear. */
async function open(path = '/app', options = {}, page = undefined) {
  page ??= await context.newPage();
  page.setDefaultTimeout(10_000);
  if (path) await page.goto(site.url + path);
  await start(page, options);
  return page;
}

async function start(page, options = {}) {
  await page.evaluate(async ([backend, given]) => {
    window.sdk = await import('/pkg/index.js');
    window.told = [];
    window.payments = await window.sdk.Payments.getBrowserInstance({
      returnUrl: '/app?keep=1#part', environment: 'custom', backend, ...given,
      onSessionChange: (loggedIn) => window.told.push(loggedIn),
      onSessionExpired: (reason) => window.told.push(reason),
    });
  }, [sandbox.url, options]);
}

const state = (page) => page.evaluate(() => ({
  loggedIn: payments.isLoggedIn, account: payments.getAccountAddress(), error: payments.loginError?.code, told,
}));
const createAccount = async (page) => {
  await page.waitForURL((url) => url.pathname === '/login');
  await page.getByRole('button', { name: /create account|new account/i }).first().click();
};
/** A click on a button that does it, as popups want; the outcome is in `window.outcome`. */
async function click(page, action) {
  await page.evaluate((code) => {
    const button = document.body.appendChild(document.createElement('button'));
    button.textContent = 'go';
    button.onclick = () => {
      window.outcome = Promise.resolve(new Function(`return ${code}`)()).then(
        (value) => ({ value: value === undefined ? null : JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one))) }),
        ({ name, code, message }) => ({ name, code, message }));
    };
  }, action);
  await page.getByText('go').last().click();
}
const outcome = (page) => page.evaluate(() => window.outcome);

test('a login by redirect comes back, and leaves the address as it was', async () => {
  const page = await open('/app', { storage: 'session' });
  await page.evaluate(() => payments.connect());
  await createAccount(page);
  await page.waitForURL((url) => url.origin === site.url);
  await start(page, { storage: 'session' });
  const { loggedIn, account, error } = await state(page);
  assert.deepEqual([loggedIn, error], [true, undefined]);
  assert.match(account, /^0x/);
  assert.equal(page.url(), `${site.url}/app?keep=1#part`);
  await page.reload();
  await start(page, { storage: 'session' });
  assert.equal((await state(page)).account, account, 'kept for the tab');
});

test('a login by popup resolves a promise, and the page never left', async () => {
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup' })");
  const popup = await opened;
  const visited = [];
  popup.on('framenavigated', (frame) => visited.push(frame.url()));
  await createAccount(popup);
  // The page that comes back in the window is the same page, with the same package.
  await popup.waitForURL((url) => url.origin === site.url);
  const closed = popup.waitForEvent('close');
  await start(popup).catch(() => {});
  await closed;
  assert.deepEqual(await outcome(page), { value: null });
  const { loggedIn, account } = await state(page);
  assert.equal(loggedIn, true);
  assert.match(account, /^0x/);
  assert.equal(page.url(), `${site.url}/app`);
  assert.ok(!(visited.at(-1) ?? '').includes('nvmApiKey') || visited.length > 0);
});

test('a popup that is closed or blocked is a typed error', async () => {
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup' })");
  await (await opened).close();
  assert.equal((await outcome(page)).code, 'popup_closed');
  await page.evaluate(() => (window.open = () => null));
  await click(page, "payments.connect({ mode: 'popup' })").catch(() => {});
  const thrown = await page.evaluate(() => { try { payments.connect({ mode: 'popup' }); } catch ({ code }) { return code; } });
  assert.equal(thrown, 'popup_blocked');
  assert.equal((await state(page)).loggedIn, false);
});

test('an abort ends the popup', async () => {
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup', signal: (window.stop = new AbortController()).signal })");
  const popup = await opened;
  const closed = popup.waitForEvent('close');
  await page.evaluate(() => stop.abort());
  await closed;
  const { name, code } = await outcome(page);
  assert.deepEqual([name, code], ['AbortError', 'aborted']);
});

test('a key that is planted in the address is refused and taken away', async () => {
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A thief');
  const planted = new URLSearchParams({ nvmApiKey, accountAddress });
  for (const query of [planted, `${planted}&nvmState=guess`]) {
    const page = await open(`/app?x=1&${query}#part`, { storage: 'local' });
    assert.deepEqual(await state(page), { loggedIn: false, error: 'login_state_mismatch', told: [] });
    assert.equal(page.url(), `${site.url}/app?x=1#part`);
  }
});

test('a key that is planted through the popup is refused', async () => {
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A thief');
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup' })");
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname === '/login');
  await popup.goto(`${site.url}/app?${new URLSearchParams({ nvmApiKey, accountAddress, nvmState: 'guess', nvmPopup: '1' })}`);
  await start(popup).catch(() => {});
  assert.equal((await outcome(page)).code, 'login_state_mismatch');
  assert.equal((await state(page)).loggedIn, false);
});

test('what another origin posts is not heard, and nothing is posted to one', async () => {
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A thief');
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup' })");
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname === '/login');
  const nvmState = new URL(new URL(popup.url()).searchParams.get('returnUrl')).searchParams.get('nvmState');
  // Even with the state: a page elsewhere is not ours.
  await popup.goto(other.url);
  await popup.evaluate((values) => opener.postMessage({ nvmPopup: values }, '*'), { nvmApiKey, accountAddress, nvmState });
  await popup.close();
  assert.equal((await outcome(page)).code, 'popup_closed');
  assert.equal((await state(page)).loggedIn, false);

  // A page elsewhere that opens ours as if it were a login hears nothing.
  const thief = await context.newPage();
  await thief.goto(other.url);
  await thief.evaluate(() => { window.heard = []; addEventListener('message', ({ data }) => window.heard.push(data)); });
  const lured = thief.waitForEvent('popup');
  await thief.evaluate((url) => { window.open(url); }, `${site.url}/app?nvmApiKey=local:a.b.c&nvmState=s&nvmPopup=1`);
  await start(await lured).catch(() => {});
  assert.deepEqual(await thief.evaluate(() => new Promise((done) => setTimeout(() => done(window.heard), 300))), []);
});

test('tabs that share the key share logins and logouts', async () => {
  const storage = { storage: 'local' };
  const [first, second] = [await open('/app', storage), await open('/app', storage)];
  const alone = await open('/app', { storage: 'session' });
  await first.evaluate(() => payments.connect());
  await createAccount(first);
  await first.waitForURL((url) => url.origin === site.url);
  await start(first, storage);
  const { account } = await state(first);
  await second.waitForFunction(() => payments.isLoggedIn);
  assert.deepEqual(await state(second), { loggedIn: true, account, told: [true] });
  assert.equal((await state(alone)).loggedIn, false);
  await second.evaluate(() => payments.logout());
  await first.waitForFunction(() => !payments.isLoggedIn);
  assert.deepEqual((await state(first)).told, [false, 'logged_out_elsewhere']);
  assert.deepEqual((await state(second)).told, [true], 'who logs out knows it');
  assert.equal(await first.evaluate(() => localStorage.length), 0);
});
