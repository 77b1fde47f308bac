// The key that a login brings in an address: with the small page that docs/client.md recommends, it is in nothing that the page after it can read of how
// it was loaded, and with a popup in nothing of the page that asked.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { launch } from './user.mjs';

const sandbox = await startSandbox();
const make = (storage) => `const { Payments } = await import('/pkg/index.js');
  window.payments = await Payments.getBrowserInstance({ returnUrl: '/back', environment: 'custom', backend: '${sandbox.url}', storage: '${storage}' });`;
const PAGES = {
  '/': `<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module">${make('session')} window.ready = true;</script>`,
  '/back': `<!doctype html><title>back</title><link rel="icon" href="data:,"><script type="module">${make('session')} location.replace('/?shown=1#part');</script>`,
};
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (PAGES[pathname]) return response.setHeader('content-type', 'text/html').end(PAGES[pathname]);
  try {
    const type = pathname.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    response.setHeader('content-type', type).end(readFileSync(dist('subscriber', pathname.replace('/pkg/', ''))));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}`;
const browser = await launch();
after(async () => {
  await browser.close();
  await sandbox.stop();
  server.close();
  server.closeAllConnections();
});

/** All that a script in the page can learn of how it was loaded. */
const traces = () => JSON.stringify([
  ...performance.getEntries().map(({ name }) => name), location.href, document.referrer, document.URL, history.state,
]);

for (const mode of ['redirect', 'popup']) {
  test(`by ${mode}, the page that goes on has no trace of the key's address`, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => window.ready);
    await page.evaluate((how) => {
      const button = document.body.appendChild(document.createElement('button'));
      button.textContent = 'go';
      button.onclick = () => { window.outcome = Promise.resolve(payments.connect({ mode: how })); };
    }, mode);
    const popup = mode === 'popup' ? page.waitForEvent('popup') : undefined;
    await page.getByText('go').click();
    const at = (await popup) ?? page;
    await at.waitForURL((one) => one.pathname === '/login');
    await at.getByRole('button', { name: /create account|new account/i }).first().click();
    if (mode === 'redirect') await page.waitForURL((one) => one.searchParams.has('shown') && one.hash === '#part');
    else await page.evaluate(() => window.outcome);
    await page.waitForFunction(() => window.ready && payments.isLoggedIn);
    const key = await page.evaluate(() => sessionStorage.getItem('payments-wasm.key'));
    assert.ok(key?.includes('.'));
    const found = await page.evaluate(traces);
    assert.ok(!found.includes('nvmApiKey') && !found.includes(key) && !found.includes(encodeURIComponent(key)), found);
    await context.close();
  });
}
