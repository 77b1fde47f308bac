// The sandbox's dashboard in a real browser: what a developer does there all day, and what nobody else may.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { client } from '../sandbox/client.mjs';
import { launch } from './user.mjs';

const SECRET = 'the secret of the team';
const VIEWS = ['log', 'accounts', 'plans', 'agents', 'balances', 'delegations', 'orders', 'organizations', 'faults', 'clock', 'settings'];
const SEED = {
  users: [{ id: 'seller', name: 'The oracle' }, { id: 'ada', name: 'Ada', email: 'ada@example.com' }],
  organizations: [{ id: 'guild', members: [{ user: 'seller', role: 'Admin' }] }],
  plans: [{ id: 'questions', owner: 'seller', name: 'Hundred questions', price: '5.00', maxPerCall: '10' }],
  agents: [{ id: 'oracle', owner: 'seller', plans: ['questions'], endpoints: ['POST http://127.0.0.1:8787/ask'] }],
  balances: [{ id: 'start', user: 'ada', plan: 'questions' }],
  delegations: [{ id: 'hour', user: 'ada', limit: '20.00', durationSecs: 3600 }],
};

let sandbox, plain, closed, browser, anyone, seeded;
before(async () => {
  [sandbox, plain, closed] = await Promise.all([
    startSandbox({ vars: { SANDBOX_FAULTS: '1' } }), startSandbox({ vars: { SANDBOX_COMMAND: 'npx payments-wasm sandbox --faults' } }),
    startSandbox({ vars: { SANDBOX_SECRET: SECRET } }),
  ]);
  anyone = client(sandbox.url);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all([sandbox, plain, closed].map((one) => one?.stop()));
});
beforeEach(async () => {
  await anyone.post('/sandbox/reset');
  seeded = (await anyone.post('/sandbox/seed', SEED)).json;
});

/** Runs a story at the dashboard, and holds the page to no error, no violated policy and no request elsewhere. */
async function story(view, tell, { url = sandbox.url, expected = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ['clipboard-read', 'clipboard-write'], ...options });
  const wrong = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => wrong.push(String(error.stack ?? error)));
    page.on('dialog', (dialog) => { wrong.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && !expected.some((part) => message.text().includes(part)) && wrong.push(message.text()));
    page.on('request', (request) => new URL(request.url()).origin !== url && wrong.push(`asked ${request.url()}`));
    await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    await page.goto(`${url}/dashboard#${view}`);
    await tell(page, context);
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
  }
}
const ready = (page) => page.waitForFunction(() => document.documentElement.dataset.ready === 'true');
const part = (page, view) => page.locator(`section[data-view="${view}"]`);
const line = (page, text) => page.locator('.call').filter({ hasText: text });

/** A buyer and a seller: a token, and a settlement of it. */
async function people() {
  const [ada, seller] = [client(sandbox.url, seeded.users.ada), client(sandbox.url, seeded.users.seller)];
  const plan = seeded.plans.questions.planId;
  const token = await ada.token(plan, { delegationId: seeded.delegations.hour.delegationId });
  return { ada, seller, verify: (text = token) => seller.verify(plan, text, '2'), settle: (text = token) => seller.settle(plan, text, '2') };
}

test('a person makes an account, copies its key, and the key works; a revoked one does not', () => story('accounts', async (page) => {
  await ready(page);
  const accounts = part(page, 'accounts');
  await page.getByLabel('Name of a new account').fill('Grace');
  await page.keyboard.press('Enter');
  const row = accounts.getByRole('row').filter({ hasText: 'Grace' });
  await row.getByRole('button', { name: 'Copy key' }).click();
  await page.getByText('Key of Grace copied').waitFor();
  const key = await page.evaluate(() => navigator.clipboard.readText());
  const grace = client(sandbox.url, { nvmApiKey: key });
  assert.equal((await grace.get('/api/v1/protocol/plans')).status, 200);
  await accounts.getByLabel('Credits').fill('250');
  await accounts.getByRole('button', { name: 'Hand out' }).click();
  await row.getByText('250 Hundred questions').waitFor();
  await accounts.getByRole('button', { name: /^Revoke key/ }).click();
  await row.getByText('none, 1 revoked').waitFor();
  assert.equal((await grace.get('/api/v1/protocol/plans')).status, 401);
  await page.getByRole('link', { name: 'Balances 2' }).click();
  await part(page, 'balances').getByRole('row').filter({ hasText: 'Grace' }).getByText('250').waitFor();
  await page.getByRole('link', { name: 'Books balance' }).waitFor();
  await page.getByText(/The books balance: \d+ postings/).waitFor();
}));

test('a 402, a verify and a settle come by while one looks, and each opens', () => story('log', async (page) => {
  await ready(page);
  const { verify, settle } = await people();
  await line(page, 'Token').waitFor();
  await verify();
  await settle();
  await line(page, '2 credits taken, 98 left').waitFor();
  await line(page, 'Verify').filter({ hasText: 'Ada' }).waitFor();
  const stale = await people();
  await anyone.del(`/sandbox/delegations/${seeded.delegations.hour.delegationId}`);
  const { status, json } = await stale.verify();
  assert.equal(status, 402);
  const paid = page.locator('.call', { has: page.locator('.status', { hasText: '402' }) }).first();
  await paid.locator('summary').click();
  await paid.getByText(json.code, { exact: true }).waitFor();
  await paid.getByText(json.correlationId, { exact: true }).waitFor();
  if (json.hint) await paid.getByText(json.hint, { exact: true }).waitFor();
  await paid.getByRole('button', { name: 'Copy correlation id' }).click();
  await page.getByText('correlation id copied').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), json.correlationId);
  assert.match(await paid.getByRole('region', { name: 'Request body' }).innerText(), /"x402AccessToken": "\S{12}…\S{6}"/);

  await page.getByRole('radio', { name: 'Errors' }).check({ force: true });
  await line(page, '2 credits taken').waitFor({ state: 'hidden' });
  await page.getByRole('radio', { name: 'All', exact: true }).check({ force: true });
  await page.getByLabel('Find in the log').fill(json.correlationId);
  await line(page, '2 credits taken').waitFor({ state: 'hidden' });
  assert.equal(await page.locator('.call:visible').count(), 1);
  await page.getByLabel('Find in the log').fill('nothing is like this');
  await page.getByText('No call is like that.').waitFor();
  await page.getByLabel('Find in the log').fill('');

  await page.getByRole('button', { name: 'Pause' }).click();
  const settled = await page.locator('.call').count();
  await anyone.get('/nowhere');
  await page.getByRole('button', { name: 'Go on (1 new)' }).waitFor();
  assert.equal(await page.locator('.call').count(), settled);
  await page.getByRole('button', { name: /^Go on/ }).click();
  await line(page, '/nowhere').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Nothing was called yet.').waitFor();
  assert.deepEqual((await anyone.get('/sandbox/calls')).json, []);
}));

test('a fault is switched on and bites, and switched off and does not', () => story('faults', async (page) => {
  await ready(page);
  const { settle } = await people();
  await page.getByRole('button', { name: /^Settle is down/ }).click();
  await page.getByRole('link', { name: '1 fault on' }).waitFor();
  assert.equal((await settle()).status, 503);
  const row = part(page, 'faults').getByRole('row').filter({ hasText: 'answers 503' });
  await row.getByText('1 of 1 call').waitFor();
  await row.getByRole('button', { name: /^Switch off/ }).click();
  await page.getByRole('link', { name: 'Faults off' }).waitFor();
  assert.equal((await settle()).status, 200);
  await page.getByText('One of your own').click();
  await page.getByLabel('What', { exact: true }).selectOption('drop');
  await page.getByLabel(/^Path/).fill('(');
  await page.getByRole('button', { name: 'Switch it on' }).click();
  await page.getByRole('alert').filter({ hasText: 'neither a path nor a regular expression' }).waitFor();
  assert.equal(await page.getByLabel(/^Path/).getAttribute('aria-invalid'), 'true');
  await page.getByLabel(/^Path/).fill('settle$');
  await page.getByLabel('How often').selectOption('1');
  await page.getByRole('button', { name: 'Switch it on' }).click();
  await page.getByRole('link', { name: '1 fault on' }).waitFor();
  await assert.rejects(settle());
  assert.equal((await settle()).status, 200);
  await page.getByRole('link', { name: 'Request log', exact: true }).click();
  await line(page, 'dropped').filter({ hasText: 'drop' }).waitFor();
}, { expected: ['400 (Bad Request)'] }));

test('the clock is advanced, and what runs out has run out', () => story('delegations', async (page) => {
  await ready(page);
  const delegations = part(page, 'delegations');
  await delegations.getByText('Active').waitFor();
  await page.getByRole('link', { name: 'Clock', exact: true }).click();
  await page.getByRole('button', { name: '1 day' }).click();
  await page.getByText('1 day ahead of the machine').waitFor();
  await page.getByLabel('Another time').fill('0');
  await page.getByRole('button', { name: 'Advance', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'A whole number above 0.' }).waitFor();
  await page.getByRole('link', { name: /^Delegations/ }).click();
  await delegations.getByText('Expired').waitFor();
  assert.equal((await (await people().catch(() => undefined))?.verify())?.status, undefined, 'no token rests on it');
  await page.getByRole('link', { name: 'Clock', exact: true }).click();
  await page.getByRole('button', { name: 'Back to the machine' }).click();
  await page.getByText('the machine’s time', { exact: true }).waitFor();
  assert.equal((await anyone.get('/sandbox/clock')).json.offsetMs, 0);
}));

test('settings, and a reset that is asked about', () => story('settings', async (page) => {
  await ready(page);
  await page.getByLabel('Credits arrive after').fill('30');
  await page.getByLabel('version 3').check();
  await page.getByRole('switch', { name: /legal documents/ }).check();
  await page.getByRole('switch', { name: 'MPP is on' }).uncheck();
  const wanted = { creditsDelaySecs: 30, tokenVersion: 3, legalConsent: true, mpp: false };
  await page.waitForFunction(async (text) => (await (await fetch('/sandbox/settings')).text()) === text, JSON.stringify(Object.fromEntries(Object.entries(wanted).sort())));
  await page.getByLabel('dark').check();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await page.getByRole('button', { name: 'Reset the sandbox…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await anyone.get('/sandbox/state')).json.accounts.total, 2);
  await page.getByRole('button', { name: 'Reset the sandbox…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await page.getByText('As if it had just been started').waitFor();
  assert.equal((await anyone.get('/sandbox/state')).json.accounts.total, 0);
  await page.getByRole('link', { name: 'Accounts', exact: true }).click();
  await page.getByText('No account yet.').waitFor();
}));

test('a delegation is revoked, after a question', () => story('delegations', async (page) => {
  const { verify } = await people();
  await part(page, 'delegations').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await part(page, 'delegations').getByText('Revoked', { exact: true }).waitFor();
  assert.equal((await verify()).status, 402);
}));

test('without faults the switches are grey, and the command that gives them stands there', () => story('faults', async (page) => {
  await page.getByText('npx payments-wasm sandbox --faults', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Settle is down/ }).isDisabled(), true);
}, { url: plain.url }));

test('where a secret is wanted it is asked for, told apart from a wrong one, and kept for the tab', () => story('accounts', async (page, context) => {
  await page.getByLabel('Secret').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('That is not it.').waitFor();
  assert.equal(await part(page, 'accounts').isVisible(), false);
  await page.getByLabel('Secret').fill(SECRET);
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await page.getByText('No account yet.').waitFor();
  await page.reload();
  await page.getByText('No account yet.').waitFor();
  const other = await context.newPage();
  await other.goto(`${closed.url}/dashboard`);
  await other.getByLabel('Secret').waitFor();
}, { url: closed.url, expected: ['401 (Unauthorized)'] }));

test('what a stranger is called stays text', () => story('accounts', async (page) => {
  const name = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'&';
  const eve = await anyone.open(name);
  const plan = await eve.plan({ metadataAttributes: { name } });
  await eve.order(plan);
  await eve.post('/api/v1/protocol/agents', { metadataAttributes: { name }, agentApiAttributes: { endpoints: [{ POST: name }] }, plans: [plan] });
  await anyone.post('/sandbox/organizations', { name, admin: eve.address });
  await anyone.get(`/${encodeURIComponent(name)}?${encodeURIComponent(name)}`);
  await part(page, 'accounts').getByText(name, { exact: true }).waitFor();
  for (const view of VIEWS) {
    await page.evaluate((hash) => { location.hash = hash; }, view);
    await part(page, view).waitFor();
  }
  await page.evaluate(() => { location.hash = 'log'; });
  await page.locator('.call summary').nth(3).waitFor();
  await page.locator('#log-pause').click(); // what comes now does not push the lines down
  for (const index of [0, 1, 2, 3]) await page.locator('.call summary').nth(index).click();
  await page.locator('.inside').nth(3).waitFor();
  assert.equal(await page.locator('main img, main script').count(), 0);
}));

test('a page of another origin reads nothing, switches nothing and frames nothing', async () => {
  const site = createServer((request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title><link rel="icon" href="data:,">'));
  await new Promise((done) => site.listen(0, '127.0.0.1', done));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    for (const host of ['127.0.0.1', 'localhost']) {
      await page.goto(`http://${host}:${site.address().port}/`);
      const outcomes = await page.evaluate(async ([url, address]) => {
        const read = async (path, init) => fetch(url + path, init).then((answer) => answer.text(), () => 'refused');
        const sent = async (path, body) => fetch(url + path, { method: 'POST', mode: 'no-cors', body: JSON.stringify(body) }).then((answer) => answer.type, () => 'refused');
        const script = (path) => new Promise((done) => document.head.append(Object.assign(document.createElement('script'), { src: url + path, onload: () => done('ran'), onerror: () => done('refused') })));
        return [
          await read('/sandbox/state'), await read(`/sandbox/accounts/${address}/keys`), await read('/sandbox/accounts', { method: 'POST' }),
          await read('/dashboard'), await script('/dashboard/api.js'), await script('/sandbox/state'),
          await sent('/sandbox/faults', { kind: 'drop' }), await sent('/sandbox/accounts', {}), await sent('/sandbox/reset', {}),
        ];
      }, [sandbox.url, seeded.users.ada.accountAddress]);
      assert.deepEqual(outcomes, ['refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'opaque', 'opaque', 'opaque']);
      const framed = page.waitForEvent('console', { predicate: (message) => message.text().includes('frame-ancestors') });
      await page.evaluate((url) => document.body.append(Object.assign(document.createElement('iframe'), { src: `${url}/dashboard` })), sandbox.url);
      await framed;
    }
    const now = (await anyone.get('/sandbox/state')).json;
    assert.deepEqual([now.faults, now.accounts.total], [[], 2]);
  } finally {
    await context.close();
    site.closeAllConnections();
    await new Promise((done) => site.close(done));
  }
});

describe('whoever uses it', () => {
  test('with the keyboard alone: past the bar, to a part, into a line of the log', () => story('log', async (page) => {
    await anyone.get('/nowhere');
    await line(page, '/nowhere').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    const order = [];
    for (let index = 0; index < 5; index++) {
      await page.keyboard.press('Tab');
      order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.tagName));
    }
    assert.deepEqual(order, ['log-pause', 'log-clear', 'log-text', 'show', 'SUMMARY']);
    assert.ok(await page.evaluate(() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement); return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2; }), 'the focus is seen');
    await line(page, '/nowhere').locator('summary').focus();
    await page.keyboard.press('Enter');
    await page.getByText('SANDBOX.NOT_FOUND', { exact: true }).waitFor();
    await page.getByRole('link', { name: /^Plans/ }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement.id === 'h-plans');
    assert.equal(await page.title(), 'Plans · Nevermined sandbox');
    assert.equal(await page.locator('.nav [aria-current]').innerText().then((text) => text.split(/\s/)[0]), 'Plans');
  }));

  test('whatever happens, what one types and where one is stays', () => story('accounts', async (page) => {
    await ready(page);
    await page.getByRole('button', { name: 'More of Ada' }).click();
    const amount = part(page, 'accounts').getByLabel('Credits');
    await amount.fill('12');
    for (let index = 0; index < 3; index++) await anyone.open(`Someone ${index}`);
    await part(page, 'accounts').getByText('Someone 2').waitFor();
    await page.keyboard.type('34');
    assert.deepEqual([await amount.inputValue(), await amount.evaluate((node) => node === document.activeElement)], ['1234', true]);
  }));

  test('with a screen reader: everything has a name, ids are there once, tables stay tables', () => story('log', async (page) => {
    const { settle } = await people();
    await settle();
    await ready(page);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 760 });
      for (const view of VIEWS) {
        await page.evaluate((hash) => { location.hash = hash; }, view);
        await part(page, view).waitFor();
        const flaws = await page.evaluate(() => {
          const found = [];
          const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
          for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
          const text = (node) => node?.textContent.trim();
          for (const node of document.querySelectorAll('a, button, input, select, textarea, summary, progress, dialog, [role=region]')) {
            if (node.closest('dialog:not([open])')) continue;
            const by = (node.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => text(document.getElementById(id))).join('');
            const name = node.getAttribute('aria-label') || by || [...(node.labels ?? [])].map(text).join('') || (/^(A|BUTTON|SUMMARY)$/.test(node.tagName) && text(node));
            if (!name) found.push(`no name: ${node.outerHTML.slice(0, 120)}`);
          }
          for (const node of document.querySelectorAll('[aria-describedby], [for]')) {
            for (const id of (node.getAttribute('aria-describedby') ?? node.getAttribute('for')).split(' ')) if (!document.getElementById(id)) found.push(`nothing is ${id}`);
          }
          for (const node of document.querySelectorAll('fieldset')) if (!text(node.querySelector('legend'))) found.push('a fieldset without a legend');
          const levels = [...document.querySelectorAll('h1, h2, h3')].filter((node) => node.checkVisibility()).map(({ tagName }) => Number(tagName[1]));
          levels.forEach((level, index) => { if (level > (levels[index - 1] ?? 0) + 1) found.push(`h${levels[index - 1]} before h${level}`); });
          if (levels.filter((level) => level === 1).length !== 1) found.push('not one h1');
          for (const node of document.querySelectorAll('table, tr, td')) if (!node.hasAttribute('role')) found.push(`${node.tagName} without its role`);
          if (!document.documentElement.lang) found.push('no language');
          return found;
        });
        assert.deepEqual(flaws, [], `${view} at ${width}`);
      }
    }
  }));

  for (const colorScheme of ['light', 'dark']) {
    test(`on a phone and on a wide screen, ${colorScheme}: nothing is cut off`, () => story('log', async (page) => {
      await anyone.post('/sandbox/faults', { kind: 'status', status: 503, match: { path: '/api/v1/a-path-that-is-rather-long/and-goes-on' } });
      const { settle } = await people();
      await settle();
      await ready(page);
      for (const width of [360, 768, 1340, 1600]) {
        await page.setViewportSize({ width, height: 800 });
        for (const view of VIEWS) {
          await page.evaluate((hash) => { location.hash = hash; }, view);
          await part(page, view).waitFor();
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.ok(over <= 0, `${view} at ${width}: ${over} px too wide`);
          assert.equal(await part(page, 'log').isVisible(), view === 'log' || width >= 1340, `the log beside ${view} at ${width}`);
        }
      }
    }, { colorScheme }));
  }

  test('with eyes that need contrast: text 4.5 to 1, borders of fields 3 to 1, light and dark', () => {
    const css = readFileSync(repoPath('sandbox/src/dashboard/base.css'), 'utf8');
    const colours = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [name, [light, dark]]));
    const light = (hex) => {
      const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((one, two) => two - one); return (x + 0.05) / (y + 0.05); };
    for (const [front, back, least] of [
      ...['ground', 'panel', 'sunk', 'hover'].flatMap((back) => [['ink', back, 4.5], ['soft', back, 4.5]]),
      ...['panel', 'ground', 'accent-wash', 'hover'].map((back) => ['accent', back, 4.5]), ['accent-ink', 'accent', 4.5],
      ...['good', 'due', 'bad', 'info'].flatMap((tone) => [[tone, `${tone}-wash`, 4.5], [tone, 'panel', 4.5], [tone, 'hover', 4.5]]),
      ['ink', 'due-wash', 4.5], ['ink', 'bad-wash', 4.5], ['panel', 'ink', 4.5], ['panel', 'bad', 4.5], ['edge', 'panel', 3], ['edge', 'ground', 3], ['accent', 'panel', 3],
    ]) {
      for (const [index, scheme] of ['light', 'dark'].entries()) {
        const found = ratio(colours.get(front)[index], colours.get(back)[index]);
        assert.ok(found >= least, `${front} on ${back}, ${scheme}: ${found.toFixed(2)}`);
      }
    }
  });
});
