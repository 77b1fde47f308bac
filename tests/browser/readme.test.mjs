// Runs the blocks of the README and of docs/ for a page exactly as they are written, in a real browser with a user.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { PRICES, freePort, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { blocks, snippets, source } from '../node/snippets.mjs';
import { BY_CARD, client } from '../sandbox/client.mjs';
import { launch } from './user.mjs';

const price = BigInt(PRICES['POST /ask']);
const markup = blocks.filter(({ language, run }) => language === 'html' && run === 'page');
const here = snippets('page');

let servers;
let site;
let browser;
let context;
/** The content that the site serves at present: the block, and the plan that is sold. */
let served;
/** Errors in a page, unless the check expects them. */
let wrong;

before(async () => {
  const port = await freePort();
  servers = await startDemoServers({ ports: { page: port } });
  // The paywall lets the servers's page pay across origins; this site takes its place.
  await servers.page.stop();
  site = await serve(port);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await site?.stop();
  await servers?.stop();
});
beforeEach(async () => {
  wrong = [];
  context = await browser.newContext();
  context.setDefaultTimeout(30_000);
  context.on('weberror', (error) => wrong.push(String(error.error())));
});
afterEach(() => context.close());

/** The HTML of docs/client.md at every path, its script at the address that the page names, and what a site has beside them. */
async function serve(port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const send = (type, body) => response.setHeader('content-type', type).end(body);
    if (pathname === '/page.js') return send('text/javascript', source(served.block));
    if (pathname.startsWith('/pkg/')) return send('text/javascript', readFileSync(dist('subscriber', pathname.slice(5))));
    if (pathname === '/config.json') {
      const { sandbox, paywall } = servers;
      return send('application/json', JSON.stringify({ environment: 'custom', backend: sandbox.url, paywall: paywall.url, planId: served.planId }));
    }
    return send('text/html', markup[0].code);
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

/** Opens the page; `shows` waits for what a person reads in one of its elements. */
async function open(path = '/app?x=1#part') {
  const page = await context.newPage();
  await page.goto(site.url + path);
  return at(page);
}
const at = (page) => ({
  page,
  /** A person clicks on what does something; a page that is not ready yet has to become so. */
  async click(id) {
    await page.waitForFunction((id) => document.getElementById(id)?.onclick, id);
    await page.locator(`#${id}`).click();
  },
  async shows(id, pattern) {
    await page.waitForFunction(([id, text]) => new RegExp(text).test(document.getElementById(id)?.textContent), [id, pattern.source]);
    return page.locator(`#${id}`).textContent();
  },
});

const createAccount = async (page) => {
  await page.waitForURL((url) => url.pathname === '/login');
  await page.getByRole('button', { name: /create account|new account/i }).first().click();
};
const press = (page, name) => page.getByRole('button', { name }).first().click();
const home = (page) => page.waitForURL((url) => url.origin === site.url);

/** A person who is logged in, by the way that the first block gives them; the block's own page greets them. */
async function person(greeting = /^0x/) {
  const { block } = served;
  served.block = here.find(({ name }) => name === 'page');
  const it = await open();
  await it.click('login');
  await createAccount(it.page);
  await home(it.page);
  const address = await it.shows('account', /^0x/);
  served.block = block;
  await it.page.reload();
  await it.shows('account', greeting);
  return { ...it, address, held: async () => BigInt(await client(servers.sandbox.url).balance(served.planId, address)) };
}

/** The window that something opens. */
async function popupOf({ page }, action) {
  const opened = page.waitForEvent('popup');
  await action();
  return opened;
}

async function sellByCard() {
  served.planId = await client(servers.sandbox.url, servers.seller).plan(BY_CARD);
}

/** The user's actions with each block, and the required results. */
const CHECKS = {
  async page() {
    const { page, click, shows } = await open();
    await shows('account', /nobody/);
    await click('login');
    await createAccount(page);
    await home(page);
    await shows('account', /^0x\w{40}$/);
    assert.equal(page.url(), `${site.url}/app?x=1#part`);
    await page.reload();
    await shows('account', /^0x\w{40}$/);
  },

  async 'first-page'() {
    const { page, click, shows, held } = await person();
    const asked = [];
    page.on('dialog', (dialog) => { asked.push(dialog.message()); void dialog.accept(); });
    await click('pay');
    assert.equal(await shows('out', /42/), '6 * 7 = 42 for 2 credits');
    assert.deepEqual([asked, await held()], [[`Pay 2 credits to ${servers.paywall.url}?`], 100n - price]);
  },

  async pay() {
    const { page, click, shows, held } = await person();
    const asked = [];
    page.on('dialog', (dialog) => { asked.push(dialog.message()); void (asked.length > 1 ? dialog.accept() : dialog.dismiss()); });
    await click('pay');
    await shows('out', /^consent_denied/);
    assert.equal(await held(), 0n);
    await click('pay');
    assert.equal(await shows('out', /42/), '6 * 7 = 42 (2 credits, 1 purchases)');
    assert.equal(asked[1], `${servers.paywall.url} asks for 2 credits. You have 0.`);
    assert.equal(await held(), 100n - price);
    await click('pay');
    await shows('out', /42 \(2 credits, 0 purchases\)/);
    assert.deepEqual([asked.length, await held()], [2, 100n - price * 2n]);
  },

  async 'login-popup'() {
    const it = await open();
    const closed = await popupOf(it, () => it.click('login'));
    await closed.close();
    await it.shows('account', /^popup_closed$/);
    const popup = await popupOf(it, () => it.click('login'));
    await createAccount(popup);
    await it.shows('account', /^0x\w{40}$/);
    assert.ok(popup.isClosed() || (await popup.waitForEvent('close')), 'the window closes itself');
    assert.equal(it.page.url(), `${site.url}/app?x=1#part`);
  },

  async session() {
    const one = await open();
    const two = await open();
    await one.click('login');
    await createAccount(one.page);
    await home(one.page);
    await two.shows('account', /^0x\w{40}$/);
    await one.shows('account', /^0x\w{40}$/);
    await one.click('login');
    await one.shows('account', /^nobody$/);
    await two.shows('account', /^nobody$/);
    await two.shows('out', /^logged_out_elsewhere$/);
  },

  async budget() {
    const it = await person(/^0 credits today/);
    for (const paid of [price, 2n * price]) {
      await it.click('pay');
      await it.shows('account', new RegExp(`^${paid} credits today`));
      await it.shows('out', /^paid 2 credits$/);
    }
    await it.click('pay');
    await it.shows('out', /^budget_exceeded$/);
    const other = await open();
    await other.shows('account', new RegExp(`^${2n * price} credits today`));
    assert.equal(await it.held(), 100n - 2n * price);
  },

  async 'checkout-popup'() {
    await sellByCard();
    const it = await person();
    const cancelled = await popupOf(it, () => it.click('buy'));
    await press(cancelled, /cancel/i);
    await it.shows('out', /^checkout_cancelled$/);
    assert.equal(await it.held(), 0n);
    const popup = await popupOf(it, () => it.click('buy'));
    await press(popup, /^pay/i);
    await it.shows('out', /^100 credits$/);
    assert.equal(await it.held(), 100n);
  },

  async 'checkout-redirect'() {
    await sellByCard();
    const { page, click, shows, held } = await person();
    const leave = async (name) => {
      await click('buy');
      await page.waitForURL((url) => url.pathname.startsWith('/checkout/'));
      await press(page, name);
      await home(page);
    };
    await leave(/cancel/i);
    await shows('out', /^checkout_cancelled$/);
    await leave(/^pay/i);
    await shows('out', /^100 credits$/);
    assert.equal(page.url(), `${site.url}/app?x=1#part`);
    assert.equal(await held(), 100n);
    await page.reload();
    await shows('account', /^0x/);
    assert.equal(await page.locator('#out').textContent(), '');
  },

  async 'card-popup'() {
    const it = await person();
    const cancelled = await popupOf(it, () => it.click('card'));
    await press(cancelled, /cancel/i);
    await it.shows('out', /^card_cancelled$/);
    const popup = await popupOf(it, () => it.click('card'));
    await press(popup, /add card/i);
    await enrolled(it);
  },

  async 'card-redirect'() {
    const it = await person();
    await it.click('card');
    await it.page.waitForURL((url) => url.pathname === '/cards/setup');
    await press(it.page, /add card/i);
    await home(it.page);
    await enrolled(it);
    assert.equal(it.page.url(), `${site.url}/app?x=1#part`);
  },
};

/** The platform has the card and the delegation that the page shows. */
async function enrolled({ page, shows }) {
  const [paymentMethodId, delegationId] = (await shows('out', /^\S+ \S+$/)).split(' ');
  const nvmApiKey = await page.evaluate(() => sessionStorage.getItem('payments-wasm.key'));
  const { json } = await client(servers.sandbox.url, { nvmApiKey }).get(`/api/v1/delegation/${delegationId}`);
  assert.deepEqual([json.providerPaymentMethodId, json.status], [paymentMethodId, 'Active']);
}

test('a check for each block of a page, and a block for each check', () => {
  assert.equal(markup.length, 1, 'one page for all');
  assert.deepEqual(here.map(({ name }) => name).sort(), Object.keys(CHECKS).sort());
});

for (const block of here) {
  test(`${block.page}:${block.line} ${block.name}`, async () => {
    served = { block, planId: servers.planId };
    await CHECKS[block.name]();
    assert.deepEqual(wrong, []);
  });
}
