// A person at the page: a real Chromium, what they see, and what their browser sends.
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';

const SHOTS = new URL('../../target/shots/', import.meta.url);
const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run',
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium', args: FLAGS });

/** Somebody who has just opened the page. `options` are those of a browser context: viewport, colorScheme. */
export async function newUser(browser, servers, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const sent = [];
  const wrong = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    // The key is in the one address that the platform leads back to, and in nothing that this page asks for after it.
    const repeats = [request.isNavigationRequest() ? '' : url.search, request.headers().referer ?? ''].some((text) => text.includes('nvmApiKey'));
    if (repeats) wrong.push(`the key went along with ${url.origin}${url.pathname}`);
    if (url.origin === servers.paywall.url) sent.push({ method: request.method(), path: url.pathname, paid: 'payment-signature' in request.headers() });
  });
  page.on('pageerror', (error) => wrong.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    // A 402 is an answer here; Chromium reports every one as a failed resource.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) wrong.push(message.text());
  });

  const see = (id) => page.getByTestId(id).first();
  const person = {
    page, see,
    /** Requests to the paywall so far: `{ method, path, paid }`. */
    sent,
    /** Errors of the page: exceptions, violated policies. */
    wrong,
    async open(path = '/') {
      await page.goto(servers.page.url + path);
      await person.ready();
    },
    async ready() {
      const started = await page.waitForFunction(() => document.documentElement.dataset.ready);
      if ((await started.jsonValue()) !== 'true') throw new Error(`the page did not start: ${await person.text('error-message')}`);
    },
    async type(question, mode = 'ask') {
      await see(`mode-${mode}`).check({ force: true });
      await see('question').fill(question);
      await see('ask').click();
    },
    /** On the login page of the platform: goes on with a new account, and is back on the page. */
    async createAccount() {
      await page.waitForURL((url) => url.pathname === '/login');
      await page.getByRole('button', { name: /create account|new account/i }).first().click();
      await page.waitForURL((url) => url.origin === servers.page.url);
      await person.ready();
    },
    logIn: async () => {
      await see('login').click();
      await person.createAccount();
    },
    dialog: () => see('consent').waitFor({ state: 'visible' }),
    /** Waits until the question that was asked last has its receipt. */
    async answered(question) {
      const exchange = page.getByTestId('exchange').filter({ has: page.getByRole('heading', { name: question, exact: true }) }).first();
      await exchange.getByTestId('receipt').waitFor({ state: 'visible' });
      return exchange;
    },
    text: async (id) => (await see(id).innerText()).replace(/\s+/g, ' ').trim(),
    account: () => see('account').getAttribute('title'),
    async shot(name, options) {
      mkdirSync(SHOTS, { recursive: true });
      await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1).map((one) => one.finished.catch(() => {}))));
      await page.screenshot({ path: new URL(`${name}.png`, SHOTS).pathname, ...options });
    },
    leave: () => context.close(),
  };
  return person;
}

/** The calls to the platform since the last time: how often each route was called. */
export async function callsOf(servers) {
  const calls = await (await fetch(`${servers.sandbox.url}/sandbox/calls`)).json();
  await fetch(`${servers.sandbox.url}/sandbox/calls`, { method: 'DELETE' });
  const count = (method, end) => calls.filter((call) => call.method === method && call.path.endsWith(end)).length;
  return {
    orders: count('POST', '/order'), mints: count('POST', '/x402/permissions'), delegations: count('POST', '/delegation/create'),
    verifies: count('POST', '/x402/verify'), settles: count('POST', '/x402/settle'),
  };
}

/** The balance of an account as the platform has it. */
export async function balanceOf(servers, account) {
  const response = await fetch(`${servers.sandbox.url}/api/v1/protocol/plans/${servers.planId}/balance/${account}`);
  return BigInt((await response.json()).balance);
}
