// Login in a real browser: by redirect, by popup, in several tabs; and what somebody may plant.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { click, context, createAccount, open, other, outcome, sandbox, site, start, state } from './static-server.mjs';

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

for (const storage of ['memory', 'session', 'local']) {
  test(`an instance that is made again after a login is logged in too, as an effect that runs twice makes it: storage ${storage}`, async () => {
    const page = await open('/app', { storage });
    await page.evaluate(() => payments.connect());
    await createAccount(page);
    await page.waitForURL((url) => url.origin === site.url);
    const sessions = await page.evaluate(async ([backend, kept]) => {
      const { Payments } = await import('/pkg/index.js');
      const make = (more) => Payments.getBrowserInstance({ returnUrl: '/app', environment: 'custom', backend, storage: kept, ...more });
      const [first, second] = [make(), make()];
      const facts = (one) => [one.isLoggedIn, one.loginError?.code ?? 'none', one.getAccountAddress()];
      const before = [facts(first), facts(second)];
      await second.delegation.listDelegations();
      // A key is for the platform that it came from.
      const elsewhere = make({ backend: 'http://127.0.0.1:9', storage: 'memory' }).isLoggedIn;
      second.logout();
      return { before, elsewhere, after: make().isLoggedIn };
    }, [sandbox.url, storage]);
    const [[, , account]] = sessions.before;
    assert.match(account, /^0x/);
    assert.deepEqual(sessions, { before: [[true, 'none', account], [true, 'none', account]], elsewhere: false, after: false });
  });
}

test('why a login was not used is told to each instance that the page makes', async () => {
  const { nvmApiKey } = await newAccount(sandbox.url, 'A thief');
  const page = await open(`/app?${new URLSearchParams({ nvmApiKey, nvmState: 'guess' })}`);
  const again = await page.evaluate((backend) => sdk.Payments.getBrowserInstance({ returnUrl: '/app', environment: 'custom', backend }).loginError?.code, sandbox.url);
  assert.deepEqual([(await state(page)).error, again], ['login_state_mismatch', 'login_state_mismatch']);
});

test('an instance is there at once: the address is clean and the login is used before anything is awaited', async () => {
  const page = await open('/app');
  await page.evaluate(() => payments.connect());
  await createAccount(page);
  await page.waitForURL((url) => url.origin === site.url);
  const sessions = await page.evaluate(async (backend) => {
    const { Payments } = await import('/pkg/index.js');
    for (const name of ['instantiate', 'compile', 'instantiateStreaming']) WebAssembly[name] = () => { throw new Error('loaded'); };
    const made = Payments.getBrowserInstance({ returnUrl: '/app', environment: 'custom', backend });
    return [made.isLoggedIn, typeof made.getAccountAddress(), location.search];
  }, sandbox.url);
  assert.deepEqual(sessions, [true, 'string', '?keep=1']);
});

test('a login by popup resolves a promise, and the page never left', async () => {
  const page = await open();
  const opened = page.waitForEvent('popup');
  await click(page, "payments.connect({ mode: 'popup' })");
  const popup = await opened;
  await createAccount(popup);
  // The page that comes back in the window is the same page, with the same package.
  await popup.waitForURL((url) => url.origin === site.url);
  const closed = popup.waitForEvent('close');
  const handed = page.evaluate(() => new Promise((done) => addEventListener('message', ({ data, origin }) => done([Object.keys(data.nvmPopup), origin]), { once: true })));
  await start(popup).catch(() => {});
  await closed;
  assert.deepEqual(await handed, [['keep', 'nvmState', 'nvmPopup', 'nvmApiKey', 'accountAddress'], site.url]);
  assert.deepEqual(await outcome(page), { value: null });
  const { loggedIn, account } = await state(page);
  assert.equal(loggedIn, true);
  assert.match(account, /^0x/);
  assert.equal(page.url(), `${site.url}/app`);
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
    assert.deepEqual(await state(page), { loggedIn: false, error: 'login_state_mismatch', notices: [] });
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
  assert.deepEqual(await state(second), { loggedIn: true, account, notices: [true] });
  assert.equal((await state(alone)).loggedIn, false);
  await second.evaluate(() => payments.logout());
  await first.waitForFunction(() => !payments.isLoggedIn);
  assert.deepEqual((await state(first)).notices, [false, 'logged_out_elsewhere']);
  assert.deepEqual((await state(second)).notices, [true], 'who logs out knows it');
  assert.equal(await first.evaluate(() => localStorage.length), 0);
});
