// A bare page with the package, a sandbox, and what a person does at either: so that what is tested is the package.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { launch } from './user.mjs';

export let sandbox;
/** The page's own site, and one that is somebody else's. */
export let site;
export let other;
export let context;
let browser;

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

/** An empty page with those headers, and the package under /pkg/. */
export async function serve(headers = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (!pathname.startsWith('/pkg/')) return response.writeHead(200, { 'content-type': 'text/html', ...headers }).end('<!doctype html><title>page</title><link rel="icon" href="data:,">');
    response.setHeader('content-type', 'text/javascript').end(readFileSync(dist('subscriber', pathname.slice(5))));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

/** Opens the page and makes an instance there, as `payments`; `told` collects what its listeners hear. */
export async function open(path = '/app', options = {}, page = undefined) {
  page ??= await context.newPage();
  page.setDefaultTimeout(30_000);
  if (path) await page.goto(site.url + path);
  await start(page, options);
  return page;
}

export async function start(page, options = {}) {
  await page.evaluate(async ([backend, given]) => {
    window.sdk = await import('/pkg/index.js');
    window.notices = [];
    window.payments = await window.sdk.Payments.getBrowserInstance({
      returnUrl: '/app?keep=1#part', environment: 'custom', backend, ...given,
      onSessionChange: (loggedIn) => window.notices.push(loggedIn),
      onSessionExpired: (reason) => window.notices.push(reason),
    });
  }, [sandbox.url, options]);
}

export const state = async (page) => JSON.parse(await page.evaluate(() => JSON.stringify({
  loggedIn: payments.isLoggedIn, account: payments.getAccountAddress(), error: payments.loginError?.code, notices,
})));
export const createAccount = async (page) => {
  await page.waitForURL((url) => url.pathname === '/login');
  await page.getByRole('button', { name: /create account|new account/i }).first().click();
};
/** A click on a button that does it, as popups want; the outcome is in `window.outcome`. */
export async function click(page, action) {
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
export const outcome = (page) => page.evaluate(() => window.outcome);

