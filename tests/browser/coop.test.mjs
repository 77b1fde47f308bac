// Windows of our own on pages with a Cross-Origin-Opener-Policy, which cuts a page and the window that it opened off from one
// another: `closed` is true though the window is there, and `opener` is null in it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { BY_CARD, client } from '../sandbox/client.mjs';
import { click, context, createAccount, open, outcome, sandbox, serve, start, state } from './static-server.mjs';

const POLICIES = ['unsafe-none', 'same-origin-allow-popups', 'same-origin', 'noopener-allow-popups'];
const sites = new Map();
after(() => Promise.all([...sites.values()].map((one) => one.stop())));

/** A page with that policy, and somebody on it. */
async function pageWith(policy, options = {}) {
  if (!sites.has(policy)) sites.set(policy, await serve({ 'cross-origin-opener-policy': policy }));
  const page = await context.newPage();
  await page.goto(`${sites.get(policy).url}/app`);
  return open('', options, page);
}

/** The window that a click opens. Cut off from its page it may be told of as a page of its own. */
async function opened(page, action) {
  const window = context.waitForEvent('page');
  await click(page, action);
  return window;
}

/** The page that comes back makes its instance, as the documentation asks; it may close while it does. */
async function comeBack(window, policy, options = {}) {
  await window.waitForURL((url) => url.origin === sites.get(policy).url);
  await start(window, options).catch(() => {});
}

async function gone(window) {
  for (let times = 0; times < 100 && !window.isClosed(); times += 1) await new Promise((done) => setTimeout(done, 50));
  return window.isClosed();
}

const card = async () => {
  const seller = client(sandbox.url, await newAccount(sandbox.url, 'A seller'));
  return seller.plan(BY_CARD);
};

for (const policy of POLICIES) {
  test(`a login by popup, with ${policy}`, async () => {
    const page = await pageWith(policy);
    const window = await opened(page, "payments.connect({ mode: 'popup' })");
    await createAccount(window);
    await comeBack(window, policy);
    assert.deepEqual(await outcome(page), { value: null });
    const { loggedIn, account } = await state(page);
    assert.equal(loggedIn, true);
    assert.match(account, /^0x/);
    assert.ok(await gone(window), 'the window closes');
  });

  test(`a card by popup, with ${policy}`, async () => {
    const { nvmApiKey } = await newAccount(sandbox.url, 'A buyer');
    const page = await pageWith(policy, { nvmApiKey });
    const window = await opened(page, "payments.delegation.setupCard({ mode: 'popup', provider: 'stripe' })");
    await window.waitForURL((url) => url.pathname === '/cards/setup');
    await window.getByRole('button', { name: /add card/i }).first().click();
    await comeBack(window, policy);
    const { value } = await outcome(page);
    assert.ok(value?.paymentMethodId && value.delegationId, JSON.stringify(await outcome(page)));
    assert.ok(await gone(window), 'the window closes');
  });

  test(`a checkout by popup that is paid, with ${policy}, and one that is cancelled`, async () => {
    const { nvmApiKey } = await newAccount(sandbox.url, 'A buyer');
    const planId = await card();
    const page = await pageWith(policy, { nvmApiKey });
    const buy = async (button) => {
      const window = await opened(page, `payments.plans.checkout('${planId}', { mode: 'popup' })`);
      await window.waitForURL((url) => url.pathname.startsWith('/checkout/'));
      await window.getByRole('button', { name: button }).first().click();
      if (button.source.includes('cancel')) await comeBack(window, policy);
      return window;
    };
    await buy(/cancel/i);
    assert.equal((await outcome(page)).code, 'checkout_cancelled');
    await buy(/^pay/i);
    assert.ok(BigInt((await outcome(page)).value.balance) > 0n);
  });
}

test('a window that a person closes is given up soon, where nothing cuts it off', async () => {
  const page = await pageWith('unsafe-none');
  const window = await opened(page, "payments.connect({ mode: 'popup' })");
  await window.waitForURL((url) => url.pathname === '/login');
  const before = Date.now();
  await window.close();
  assert.equal((await outcome(page)).code, 'popup_closed');
  assert.ok(Date.now() - before < 15_000);
});

test('what is brought under another name is not heard: only the window that was opened knows the channel', async () => {
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A thief');
  const page = await pageWith('same-origin');
  const stop = "payments.connect({ mode: 'popup', signal: (window.stop = new AbortController()).signal })";
  const window = await opened(page, stop);
  await window.waitForURL((url) => url.pathname === '/login');
  const back = new URL(new URL(window.url()).searchParams.get('returnUrl')).searchParams;
  const planted = async (parameters) => {
    const other = await context.newPage();
    await other.goto(`${sites.get('same-origin').url}/app?${new URLSearchParams({ nvmApiKey, accountAddress, ...parameters })}`);
    await start(other).catch(() => {});
    assert.equal(new URL(other.url()).search, '', 'and the key does not stay in the address');
    await other.close();
  };
  await planted({ nvmState: back.get('nvmState'), nvmPopup: '1' });
  assert.equal((await state(page)).loggedIn, false);
  await page.evaluate(() => stop.abort());
  assert.equal((await outcome(page)).code, 'aborted');
});
