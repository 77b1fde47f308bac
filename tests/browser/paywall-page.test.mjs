// The 402 page in a real browser: a person goes to something that is paid for, logs in, buys, and is there.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { startPaywall, startSandbox } from '../../scripts/lib/start.mjs';
import { launch } from './user.mjs';

const SHOTS = new URL('../../target/shots/', import.meta.url);
const ZERO = `0x${'0'.repeat(40)}`;
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const ARTICLE = `<!doctype html><html><head><title>The article</title><style>h1{color:rgb(1,2,3)}</style></head>
<body><h1>What verify and settle do</h1><p id="state"></p>
<script>let key='none';try{key=JSON.stringify({...sessionStorage,...localStorage})}catch(e){key=e.name}
document.getElementById('state').textContent='scripts run; storage: '+key</script><a href="/notes">next</a></body></html>`;
/** One page with a black square. */
const PDF = (() => {
  const drawing = '0 0 0 rg 60 60 80 80 re f';
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>',
    `<</Length ${drawing.length}>>stream\n${drawing}\nendstream`,
  ];
  let file = '%PDF-1.4\n';
  const places = objects.map((one, index) => {
    const at = file.length;
    file += `${index + 1} 0 obj\n${one}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  return `${file}xref\n0 5\n0000000000 65535 f \n${places.join('')}trailer\n<</Root 1 0 R/Size 5>>\nstartxref\n${file.length}\n%%EOF\n`;
})();
/** The origin's goods: a type and a body by path. */
const GOODS = {
  '/article': ['text/html; charset=utf-8', ARTICLE], '/guide': ['text/html; charset=utf-8', ARTICLE], '/data': ['application/json', '{"answer":42}'],
  '/notes': ['text/plain', 'plain words'], '/image': ['image/png', PNG], '/pdf': ['application/pdf', PDF], '/zip': ['application/zip', 'PK'], '/card': ['text/plain', 'paid by card'],
  '/broken': ['text/plain', 'out of order'], '/two': ['text/plain', 'one of two'],
};
const CREDITS = 2;

let sandbox, origin, plain, passing, browser, context, seller;
const wrong = [];

before(async () => {
  sandbox = await startSandbox();
  origin = await startGoods();
  seller = await newAccount(sandbox.url, 'The reading room');
  const [planId, cardPlan] = [await sell('Reading credits', true), await sell('Card credits', false)];
  const routes = Object.fromEntries(Object.keys(GOODS).map((path) => [`GET ${path}`, { planId, credits: CREDITS }]));
  routes['GET /article'].description = 'What verify and settle do';
  routes['GET /card'] = { planId: cardPlan, credits: CREDITS, scheme: 'nvm:card-delegation', network: 'stripe' };
  routes['GET /two'] = {
    description: 'The whole archive, from the first issue to the last, with every drawing',
    plans: [{ planId, credits: CREDITS }, { planId: cardPlan, credits: 1, scheme: 'nvm:card-delegation', network: 'stripe' }],
  };
  const page = { name: 'The reading room', logo: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><path d='M4 4h7v16H4zM13 4h7v16h-7z' fill='%230a6b47'/></svg>" };
  const options = { origin: origin.url, api: sandbox.url, key: seller.nvmApiKey, routes: { routes, unlisted: 'deny' } };
  plain = await startPaywall({ ...options, vars: { PAGE: JSON.stringify(page) } });
  const passes = { reading: { routes: Object.keys(routes).filter((route) => !/card|broken/.test(route)), seconds: 3600 } };
  passing = await startPaywall({ ...options, vars: {
    PAGE: JSON.stringify({ ...page, accent: '#ffb300' }), PASSES: JSON.stringify(passes), PASS_KEYS: `k1:${'0123456789abcdef'.repeat(2)}`,
  } });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all([plain, passing, sandbox].map((one) => one?.stop()));
  origin?.stop();
});
beforeEach(async () => {
  wrong.length = 0;
  origin.calls.length = 0;
  context = await browser.newContext({ viewport: { width: 1000, height: 800 } });
});
afterEach(() => context.close());

async function startGoods() {
  const calls = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://origin');
    calls.push({ url: request.url, headers: request.headers });
    const [type, body] = GOODS[pathname] ?? ['text/plain', 'nothing'];
    response.writeHead(pathname === '/broken' ? 503 : 200, { 'content-type': type }).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, calls, stop: () => { server.close(); server.closeAllConnections(); } };
}

async function sell(name, isCrypto) {
  const answer = await fetch(`${sandbox.url}/api/v1/protocol/plans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${seller.nvmApiKey}`, 'nevermined-version': '1.1' },
    body: JSON.stringify({
      metadataAttributes: { name, dateCreated: new Date().toISOString() },
      priceConfig: {
        tokenAddress: isCrypto ? '0x036CbD53842c5426634e7929541eC2318f3dCF7e' : ZERO, amounts: ['5000000'], receivers: [seller.accountAddress],
        contractAddress: ZERO, feeController: ZERO, externalPriceAddress: ZERO, templateAddress: ZERO, isCrypto, currency: isCrypto ? 'USDC' : 'USD',
      },
      creditsConfig: { isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: '0', amount: '100', minAmount: '1', maxAmount: '10' },
      nonce: String(BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)), isTrialPlan: false, accessLimit: 'credits', currency: isCrypto ? 'USDC' : 'USD',
    }),
  });
  return (await answer.json()).planId;
}

/** Opens a URL in a page and waits until the page can be used. */
async function openPage(url, page = undefined) {
  page ??= await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => wrong.push(String(error.stack ?? error)));
  page.on('console', (message) => { if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) wrong.push(message.text()); });
  page.answer = await page.goto(url);
  await page.locator('#go').waitFor({ state: 'visible' });
  return page;
}

const go = (page) => page.locator('#go');
const text = async (page, id) => (await page.locator(`#${id}`).innerText()).replace(/\s+/g, ' ').trim();
const tidy = (page) => page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1).map((one) => one.finished)));

async function logIn(page) {
  const opened = page.waitForEvent('popup');
  await go(page).click();
  const popup = await opened;
  await popup.waitForURL((url) => url.pathname === '/login');
  const closed = popup.waitForEvent('close');
  await popup.getByRole('button', { name: /create account|new account/i }).first().click();
  await closed;
  await page.getByText(/^Logged in as/).waitFor();
}

async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await tidy(page);
  await page.screenshot({ path: new URL(`402-${name}.png`, SHOTS).pathname, fullPage: true });
}

/** The stored data of a page after a purchase: how many orders there were in which minute, so that limits hold in all
 * tabs. */
const ONE_ORDER = /^\[\{\},\{"payments-wasm\.orders":"b \d+ 1\\n"\}\]$/;

test('without passes: logs in, buys, pays, and reads the document with its receipt', async () => {
  const page = await openPage(`${plain.url}/article?x=1`);
  assert.equal(page.answer.status(), 402);
  assert.ok(page.answer.headers()['payment-required']);
  assert.equal(await text(page, 'heading'), 'What verify and settle do');
  assert.equal(await text(page, 'lead'), 'It costs 2 credits.');
  assert.match(await text(page, 'plans'), /Reading credits 5\.00 USDC for 100 credits, from your wallet/);
  assert.equal(await text(page, 'go'), 'Log in to continue');
  await shot(page, 'asked');
  await logIn(page);
  assert.equal(await text(page, 'go'), 'Buy Reading credits for 5.00 USDC and continue');
  assert.match(await text(page, 'plans'), /You hold none of them yet\./);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'go');
  assert.equal(page.url(), `${plain.url}/article?x=1`);
  await shot(page, 'buy');
  await go(page).click();
  await page.locator('#got').waitFor({ state: 'visible' });
  assert.equal(await text(page, 'paid'), 'Paid 2 credits');
  assert.match(await text(page, 'receipt'), /^98 credits left · Transaction 0x/);
  const frame = page.frameLocator('#body iframe');
  await frame.getByRole('heading', { name: 'What verify and settle do' }).waitFor();
  // It is a document in its own right, and does not get at what the page knows.
  assert.equal(await frame.locator('h1').evaluate((one) => getComputedStyle(one).color), 'rgb(1, 2, 3)');
  assert.equal(await frame.locator('#state').innerText(), 'scripts run; storage: SecurityError');
  assert.equal(page.url(), `${plain.url}/article?x=1`);
  await shot(page, 'document');
  assert.deepEqual(origin.calls.map(({ url }) => url), ['/article?x=1'], 'the origin was asked once, and for nothing of the page');
  assert.equal(JSON.stringify(origin.calls).includes('nvmApiKey'), false);
  assert.match(await page.evaluate(() => JSON.stringify([sessionStorage, localStorage])), ONE_ORDER, 'nothing is kept but that there was an order');
  assert.deepEqual(wrong, []);
});

test('with passes: lands on the resource itself, and on its neighbour without paying', async () => {
  const page = await openPage(`${passing.url}/article#part`);
  assert.equal(await text(page, 'lead'), '2 credits open it for 1 hour.');
  await logIn(page);
  await go(page).click();
  await page.waitForFunction(() => document.title === 'The article');
  assert.equal(page.url(), `${passing.url}/article#part`);
  const [cookie] = await context.cookies();
  assert.match(cookie.name, /payment-pass-reading$/);
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Lax', '/']);
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script reads it');
  await page.goto(`${passing.url}/notes`);
  assert.equal(await page.locator('body').innerText(), 'plain words');
  const last = origin.calls.at(-1).headers;
  assert.deepEqual([last['x-payment-credits'], last['x-payment-pass'].length, last.cookie], ['0', 32, undefined]);
  const calls = await (await fetch(`${sandbox.url}/sandbox/calls`)).json();
  assert.equal(calls.filter(({ path }) => path.endsWith('/x402/settle')).length > 0, true);
  // A route outside the set is to be paid, and so is a second buyer's request.
  assert.equal((await page.goto(`${passing.url}/broken`)).status(), 402);
  const stranger = await browser.newContext();
  assert.equal((await (await stranger.newPage()).goto(`${passing.url}/article`)).status(), 402);
  await stranger.close();
  assert.deepEqual(wrong, []);
});

test('a browser that keeps no cookies still gets what was paid for', async () => {
  const page = await openPage(`${passing.url}/data`);
  await logIn(page);
  await page.route('**/.well-known/payments/passes', (route) => route.fulfill({ json: { passes: [] } }));
  await go(page).click();
  await page.locator('#got').waitFor({ state: 'visible' });
  assert.equal(await text(page, 'body'), '{ "answer": 42 }');
});

test('a login by redirect comes back to a page of the gate, takes the key away and goes on', async () => {
  const page = await openPage(`${plain.url}/notes`);
  await page.locator('#other').click();
  await page.waitForURL((url) => url.pathname === '/login');
  await page.getByRole('button', { name: /create account|new account/i }).first().click();
  await page.waitForURL((url) => url.origin === plain.url);
  await page.getByText(/^Logged in as/).waitFor();
  assert.equal(page.url(), `${plain.url}/.well-known/payments/login?to=%2Fnotes`);
  assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation').length), 1);
  await go(page).click();
  await page.locator('#got').waitFor({ state: 'visible' });
  assert.equal(await text(page, 'body'), 'plain words');
  assert.equal(page.url(), `${plain.url}/notes`);
  assert.ok(origin.calls.every(({ url }) => url === '/notes'), 'the way back is not forwarded');
  assert.deepEqual(wrong, []);
});

test('a plan by card: the checkout in a window, then the answer', async () => {
  const page = await openPage(`${plain.url}/card`);
  assert.match(await text(page, 'plans'), /\$5\.00 for 100 credits, by card/);
  await logIn(page);
  const opened = page.waitForEvent('popup');
  await go(page).click();
  const checkout = await opened;
  await checkout.waitForURL((url) => url.pathname.startsWith('/checkout/'));
  await checkout.getByRole('button', { name: /^pay/i }).first().click();
  await page.locator('#got').waitFor({ state: 'visible' });
  assert.equal(await text(page, 'body'), 'paid by card');
  assert.match(await text(page, 'receipt'), /^98 credits left/);
  assert.deepEqual(wrong, []);
});

test('images are shown, other things are saved', async () => {
  const page = await openPage(`${plain.url}/image`);
  await logIn(page);
  await go(page).click();
  await page.locator('#body img').waitFor();
  assert.equal(await page.locator('#body img').evaluate((one) => one.decode().then(() => one.naturalWidth)), 1);
  await openPage(`${plain.url}/pdf`, page);
  await logIn(page);
  await go(page).click();
  await page.locator('#body iframe[src^=blob]').waitFor();
  const saved = page.waitForEvent('download');
  await page.locator('#save').click();
  assert.equal(readFileSync(await (await saved).path(), 'utf8'), PDF);
  await openPage(`${plain.url}/zip`, page);
  await logIn(page);
  const download = page.waitForEvent('download');
  await go(page).click();
  assert.match((await download).suggestedFilename(), /^zip/);
  assert.match(await text(page, 'body'), /was saved as a file/);
});

test('what goes wrong is told with what it cost', async () => {
  const page = await openPage(`${plain.url}/broken`);
  // The window is closed: nobody logged in.
  const opened = page.waitForEvent('popup');
  await go(page).click();
  await (await opened).close();
  await page.getByRole('alert').filter({ hasText: 'The window was closed' }).waitFor();
  assert.match(await text(page, 'problem'), /The window was closed before it was done\. Nothing was spent\.$/);
  await logIn(page);
  await go(page).click();
  await page.getByRole('alert').filter({ hasText: 'was bought' }).waitFor();
  assert.match(await text(page, 'problem'), /^That did not work HTTP 503\. Reading credits was bought\./);
  await page.getByText('You hold 100 credits.').waitFor();
  assert.equal(await text(page, 'go'), 'Pay 2 credits and continue');
  await shot(page, 'trouble');
});

test('a login that nobody asked for is refused', async () => {
  const { nvmApiKey, accountAddress } = await newAccount(sandbox.url, 'A thief');
  const query = new URLSearchParams({ to: '/notes', nvmApiKey, accountAddress, nvmState: 'guess' });
  const page = await openPage(`${plain.url}/.well-known/payments/login?${query}`);
  assert.equal(page.url(), `${plain.url}/.well-known/payments/login?to=%2Fnotes`);
  assert.equal(await text(page, 'go'), 'Log in to continue');
  assert.equal(await page.locator('#account').isVisible(), false);
  // And nobody is led elsewhere.
  for (const to of ['https://evil.example/', '//evil.example/', 'javascript:alert(1)', '/\\evil.example']) {
    await page.goto(`${plain.url}/.well-known/payments/login?to=${encodeURIComponent(to)}`);
    await page.getByText('You can close this page.').waitFor();
  }
});

/** The contrast of each text that can be read with what is behind it, by WCAG 2.2; and what else it asks of controls. */
const audit = () => {
  const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const channels = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = channels(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = { lowest: 21, wrong: [], controls: [] };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, data } = texts.currentNode;
    if (!data.trim() || !visible(element) || element.closest('script, noscript')) continue;
    const ratio = contrast(channels(getComputedStyle(element).color), behind(element));
    found.lowest = Math.min(found.lowest, ratio);
    if (ratio < 4.5) found.wrong.push(`${data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  for (const element of document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')) {
    if (!visible(element)) continue;
    const label = element.labels?.[0]?.innerText ?? element.getAttribute('aria-label') ?? element.innerText;
    if (!label?.trim()) found.wrong.push(`no name: ${element.outerHTML.slice(0, 60)}`);
    // A radio button is pressed anywhere on its label.
    const { width, height } = (element.labels?.[0] ?? element).getBoundingClientRect();
    if (Math.min(width, height) < 24) found.wrong.push(`small (${Math.round(width)} x ${Math.round(height)}): ${label}`);
    found.controls.push(element.id || element.name || element.localName);
  }
  const edge = contrast(channels(getComputedStyle(document.querySelector('#go')).borderTopColor), behind(document.querySelector('form')));
  if (edge < 3) found.wrong.push(`the edge of the button: ${edge.toFixed(2)}`);
  if (document.querySelectorAll('h1').length !== 1) found.wrong.push('not one h1');
  if (!document.documentElement.lang) found.wrong.push('no language');
  if (document.querySelector('[tabindex]:not([tabindex="0"], [tabindex="-1"])')) found.wrong.push('an order of its own');
  if (document.documentElement.scrollWidth > innerWidth) found.wrong.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
  for (const id of ['status', 'problem']) if (!document.getElementById(id).role) found.wrong.push(`${id} is not told`);
  if (document.querySelectorAll('fieldset legend, [name=plan]').length < 2) found.wrong.push('plans without a legend');
  return found;
};

for (const [name, options] of Object.entries({
  light: {}, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 360, height: 720 } },
  'narrow-dark': { colorScheme: 'dark', viewport: { width: 320, height: 640 } },
})) {
  test(`can be read and used by everybody: ${name}`, async () => {
    const room = await browser.newContext({ viewport: { width: 1000, height: 800 }, reducedMotion: 'reduce', ...options });
    try {
      for (const [gate, { url }] of Object.entries({ plain, passing })) {
        const page = await openPage(`${url}/two`, await room.newPage());
        for (const step of ['asked', 'logged-in', 'problem']) {
          if (step === 'logged-in') await logIn(page);
          if (step === 'problem') {
            await page.locator('details').evaluate((one) => (one.open = true));
            await page.route('**/delegation/create', (route) => route.fulfill({ status: 400, json: { code: 'BCK.DELEGATION.0001', message: 'Not today' } }));
            await go(page).click();
            await page.getByRole('alert').filter({ hasText: 'Not today. Nothing was spent.' }).waitFor();
            await page.waitForFunction(() => !document.querySelector('#go').hasAttribute('aria-disabled'));
          }
          await shot(page, `${gate}-${name}-${step}`);
          const found = await page.evaluate(audit);
          assert.deepEqual(found.wrong, [], `${gate} ${step}`);
          // Tab goes through all of it, in the order in which it is read; of radio buttons to the one that is chosen.
          await page.evaluate(() => document.activeElement?.blur());
          await page.locator('#heading').focus();
          const order = [];
          for (const control of found.controls.filter((id, index, all) => all.indexOf(id) === index)) {
            await page.keyboard.press('Tab');
            order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.localName));
            if (control === 'go') assert.notEqual(await page.locator('#go').evaluate((one) => getComputedStyle(one).outlineStyle), 'none', 'focus is seen');
          }
          assert.deepEqual(order, [...new Set(found.controls)], `${gate} ${step}`);
        }
        // The other plan, by keyboard alone.
        await page.locator('[name=plan]:checked').focus();
        await page.keyboard.press('ArrowDown');
        await page.getByText('It costs 1 credit.').or(page.getByText('1 credit open it')).waitFor();
        assert.match(await text(page, 'go'), /Buy Card credits for \$5\.00/);
      }
    } finally {
      await room.close();
    }
  });
}
