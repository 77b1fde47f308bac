// The whole way in a real browser, with page, paywall and platform on three origins.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { PRICES, newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { balanceOf, callsOf, launch, newUser } from './user.mjs';

const ASK = BigInt(PRICES['POST /ask']);
const STREAM = BigInt(PRICES['GET /stream']);
const NOTHING = { orders: 0, mints: 0, delegations: 0, verifies: 0, settles: 0 };

let servers;
let browser;

before(async () => {
  servers = await startDemoServers();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await servers?.stop();
});

/** Runs a story with a person of its own and holds the page to having had no errors. */
function story(title, options, tell) {
  test(title, async (t) => {
    const person = await newUser(browser, servers, options);
    try {
      await callsOf(servers);
      await tell(person, stepsOf(t));
      assert.deepEqual(person.wrong, [], 'errors in the page');
    } catch (error) {
      await person.shot(`failed-${title.replace(/\W+/g, '-').slice(0, 60)}`).catch(() => {});
      throw error;
    } finally {
      await person.leave();
    }
  });
}

/** The steps of a story build on each other: after one that failed, the rest is not tried. */
const stepsOf = (t) => async (name, run) => {
  let failed = false;
  await t.test(name, () => run().catch((error) => {
    failed = true;
    throw error;
  }));
  if (failed) throw new Error(`the story ended at: ${name}`);
};

describe('the agent console in Chromium', () => {
  story('a person asks, logs in, buys, pays and sees the answer, then pays again in one request', {}, async (person, step) => {
    const { page, see, text, sent } = person;
    const question = 'How do verify and settle differ?';

    await step('page, paywall and platform are three origins', async () => {
      assert.equal(new Set([servers.page.url, servers.paywall.url, servers.sandbox.url].map((url) => new URL(url).origin)).size, 3);
      await person.open();
      await person.shot('01-open');
    });

    await step('a question of somebody unknown meets the 402 and the way to log in', async () => {
      await person.type(question);
      await person.dialog();
      assert.match(await text('offer-title'), /asks for 2 credits/);
      assert.match(await text('approve'), /log in/i);
      assert.deepEqual(sent, [{ method: 'POST', path: '/ask', paid: false }]);
      await person.shot('02-login-asked');
    });

    await step('the login comes back and leaves no key in the address bar or the history', async () => {
      await see('approve').click();
      await page.waitForURL((url) => url.pathname === '/login');
      await person.shot('03-login-page');
      await person.createAccount();
      await noKeyInSight(page);
      assert.equal(await see('logout').isVisible(), true);
      assert.match(await person.account(), /^0x[0-9a-fA-F]{40}$/);
    });

    await step('the question is still there, and the 402 asks with all it should say', async () => {
      await person.dialog();
      assert.match(await text('offer-plan'), /^Oracle credits/);
      assert.equal(await text('offer-price'), '$5.00 for 100 credits');
      assert.match(await text('offer-balance'), /^0 credits/);
      assert.match(await text('offer-network'), /Base Sepolia.*eip155:84532.*nvm:erc4337/);
      assert.equal(await text('offer-resource'), '/ask');
      assert.match(await text('offer-delegation'), /up to \$20\.00 for 7 days/);
      assert.equal(await text('approve'), 'Buy Oracle credits for $5.00 and pay 2 credits');
      const { orders, mints, delegations } = await callsOf(servers);
      assert.deepEqual({ orders, mints, delegations }, { orders: 0, mints: 0, delegations: 0 }, 'asking has cost nothing');
      await person.shot('04-consent');
    });

    await step('consent buys the plan once, mints once, and pays exactly the price of the route', async () => {
      sent.length = 0;
      await see('remember').check();
      await see('approve').click();
      const exchange = await person.answered(question);
      assert.match(await exchange.getByTestId('answer').innerText(), /Settle moves it/);
      assert.equal(await text('receipt-credits'), String(ASK));
      assert.equal(await text('receipt-balance'), '98 credits');
      assert.match(await text('receipt-transaction'), /^0x[0-9a-f]+…[0-9a-f]+$/i);
      assert.equal(await see('receipt-payer').getAttribute('title'), await person.account());
      assert.equal(await balanceOf(servers, await person.account()), 100n - ASK);
      assert.equal(await text('balance'), '98');
      assert.match(await text('spent') + ' ' + await text('spent-note'), /^2 credits · \$5\.00$/);
      assert.deepEqual(await callsOf(servers), { orders: 1, mints: 1, delegations: 1, verifies: 1, settles: 1 });
      assert.deepEqual(sent, [{ method: 'POST', path: '/ask', paid: true }]);
      await person.shot('05-answer-and-receipt');
    });

    await step('the timeline shows every step in its order', async () => {
      const steps = await see('timeline').locator('li').evaluateAll((all) => all.map((one) => one.dataset.type));
      const expected = ['request', 'offer', 'consent', 'delegation', 'order', 'mint', 'paid', 'receipt'];
      assert.deepEqual(expected.filter((step) => steps.includes(step)), expected, `saw ${steps}`);
      assert.deepEqual([...steps].sort((a, b) => expected.indexOf(a) - expected.indexOf(b)), steps);
    });

    await step('a second question is one request, without a mint and without a dialog', async () => {
      sent.length = 0;
      await person.type('Convert 26.2 miles to km');
      const exchange = await person.answered('Convert 26.2 miles to km');
      assert.equal(await exchange.getByTestId('answer').innerText(), '26.2 miles is 42.164813 km.');
      assert.deepEqual(sent, [{ method: 'POST', path: '/ask', paid: true }]);
      assert.deepEqual(await callsOf(servers), { ...NOTHING, verifies: 1, settles: 1 });
      assert.equal(await balanceOf(servers, await person.account()), 100n - 2n * ASK);
      assert.match(await text('wire-sum'), /^1 request · 0 mints/);
      await person.shot('06-second-question');
    });

    await step('a dearer route asks again, and its answer arrives as it is made', async () => {
      await person.type('What is HTTP 402?', 'stream');
      await person.dialog();
      assert.equal(await text('approve'), 'Pay 5 credits');
      assert.match(await text('offer-delegation'), /made here/);
      await person.shot('07-stream-consent');
      const words = page.getByTestId('exchange').first().locator('.word');
      await see('approve').click();
      const counts = [];
      await words.first().waitFor();
      await person.shot('08-streaming');
      while (!(await see('receipt').isVisible()) || counts.length === 0) {
        counts.push(await words.count());
        await page.waitForTimeout(100);
        assert.ok(counts.length < 200, 'the stream never ends');
      }
      assert.ok(new Set(counts).size >= 5, `the words came all at once: ${counts}`);
      assert.equal(await balanceOf(servers, await person.account()), 100n - 2n * ASK - STREAM);
      const { orders, delegations } = await callsOf(servers);
      assert.deepEqual({ orders, delegations }, { orders: 0, delegations: 0 });
      await person.shot('09-streamed');
    });

    await step('a reload keeps the login and the tally, and shows no key', async () => {
      await page.reload();
      await person.ready();
      assert.equal(await see('logout').isVisible(), true);
      assert.equal(await text('spent'), String(2n * ASK + STREAM));
      await noKeyInSight(page);
    });

    await step('logging out leaves nothing behind but how many orders there were of late', async () => {
      await see('logout').click();
      await see('login').waitFor({ state: 'visible' });
      const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
      assert.match(kept, /^\[\{\},\{"payments-wasm\.orders":"b \d+ 1\\n"\}\]$/);
    });
  });

  story('a price is told before anything is asked, and what was paid is there as a file', {}, async (person) => {
    const { page, see, text, sent } = person;
    const priced = async (expected) => {
      await see('quote').click();
      await page.waitForFunction(() => document.querySelector('[data-testid=price]').textContent);
      assert.equal(await text('price'), expected);
    };
    await person.open();
    await priced('2 credits. Oracle credits: $5.00 for 100.');
    await see('mode-stream').check({ force: true });
    assert.equal(await text('price'), '', 'another way has another price');
    await priced('5 credits. Oracle credits: $5.00 for 100.');
    assert.deepEqual(sent.map(({ path, paid }) => [path, paid]), [['/ask', false], ['/stream', false]]);
    await person.logIn();
    await priced('2 credits. You hold 0. Oracle credits: $5.00 for 100.');
    assert.deepEqual(await callsOf(servers), NOTHING);
    await person.shot('16-price');
    await person.type('Factor 5040');
    await person.dialog();
    await see('approve').click();
    await person.answered('Factor 5040');
    await priced('2 credits, of the 98 that you hold.');
    assert.equal(await text('books-note'), '1 payment, CSV');
    await person.shot('17-receipts');
    const [download] = await Promise.all([page.waitForEvent('download'), see('receipts').click()]);
    assert.equal(download.suggestedFilename(), 'receipts.csv');
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
    assert.equal(lines.length, 2);
    assert.match(lines[1], /,POST,http:[^,]*\/ask,.*,settled,2,2,0x/);
  });

  for (const [way, refuse] of Object.entries({
    'the button': (person) => person.see('cancel').click(),
    'the Escape key': (person) => person.page.keyboard.press('Escape'),
  })) {
    story(`a no by ${way} is a no: it is said, and nothing is spent`, {}, async (person) => {
      await person.open();
      await person.logIn();
      await person.type('Is 97 prime?');
      await person.dialog();
      await callsOf(servers);
      await refuse(person);
      await person.see('error').waitFor({ state: 'visible' });
      assert.equal(await person.text('error-spent'), 'Nothing was spent.');
      assert.deepEqual(await callsOf(servers), NOTHING);
      assert.equal(await balanceOf(servers, await person.account()), 0n);
      assert.deepEqual(person.sent, [{ method: 'POST', path: '/ask', paid: false }]);
      await person.shot('10-refused');
    });
  }

  for (const [name, state] of [['no state', ''], ['a state of somebody else', '&nvmState=0123456789abcdef0123456789abcdef']]) {
    story(`a login that comes back with ${name} is refused, and its key is nowhere`, {}, async (person) => {
      const { nvmApiKey, accountAddress } = await newAccount(servers.sandbox.url, 'Mallory');
      await person.open(`/?nvmApiKey=${encodeURIComponent(nvmApiKey)}&accountAddress=${accountAddress}${state}&keep=1#part`);
      await person.see('error').waitFor({ state: 'visible' });
      assert.equal(await person.see('login').isVisible(), true);
      assert.equal(await person.see('logout').isVisible(), false);
      await noKeyInSight(person.page);
      const url = new URL(person.page.url());
      assert.equal(url.searchParams.get('keep') + url.hash, '1#part', 'what is not of the login stays');
      const kept = await person.page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
      assert.ok(!kept.includes(nvmApiKey));
      await person.shot('11-forged-login');
    });
  }

  story('a planted key does not take the place of one that is held', {}, async (person) => {
    await person.open();
    await person.logIn();
    const own = await person.account();
    const { nvmApiKey, accountAddress } = await newAccount(servers.sandbox.url, 'Mallory');
    await person.open(`/?nvmApiKey=${encodeURIComponent(nvmApiKey)}&accountAddress=${accountAddress}&nvmState=x`);
    await person.see('error').waitFor({ state: 'visible' });
    assert.equal(await person.account(), own);
    await noKeyInSight(person.page);
  });

  story('who turns back at the login finds the question again, not asked', {}, async (person) => {
    await person.open();
    await person.type('Is 97 prime?', 'stream');
    await person.dialog();
    await person.see('approve').click();
    await person.page.getByRole('link', { name: /back without/i }).click();
    await person.page.waitForURL((url) => url.origin === servers.page.url);
    await person.ready();
    assert.equal(await person.see('question').inputValue(), 'Is 97 prime?');
    assert.equal(await person.see('mode-stream').isChecked(), true);
    assert.equal(await person.see('consent').isVisible(), false);
    await noKeyInSight(person.page);
  });

  story('a connection that dies after the token was sent is told as unknown, never as free', {}, async (person) => {
    await person.open();
    await person.logIn();
    await person.page.route(`${servers.paywall.url}/ask`, (route) =>
      'payment-signature' in route.request().headers() ? route.abort('connectionreset') : route.continue());
    await person.type('Factor 5040');
    await person.dialog();
    await person.see('approve').click();
    await person.see('error').waitFor({ state: 'visible' });
    const spent = await person.text('error-spent');
    assert.match(spent, /The plan Oracle credits was bought for \$5\.00/);
    assert.match(spent, /not known whether 2 credits/);
    await person.shot('12-unknown');
  });

  story('a stream that is stopped ends, and says what it has cost', {}, async (person) => {
    await person.open();
    await person.logIn();
    await person.type('What is HTTP 402?', 'stream');
    await person.dialog();
    await person.see('approve').click();
    await person.page.locator('.word').nth(3).waitFor();
    await person.see('stop').click();
    await person.see('error').waitFor({ state: 'visible' });
    assert.equal(await person.text('error-message'), 'You stopped it.');
    assert.equal(await person.text('error-spent'), 'The plan Oracle credits was bought for $5.00, and 5 credits were paid.');
    assert.equal(await person.text('error-code'), 'aborted');
    assert.equal(await person.text('spent'), String(STREAM));
    assert.equal(await balanceOf(servers, await person.account()), 100n - STREAM);
  });

  story('a service that is out of order is told, with nothing spent', {}, async (person) => {
    await person.open();
    await person.logIn();
    await person.page.route(`${servers.paywall.url}/ask`, (route) => route.abort('connectionrefused'));
    await person.type('Factor 5040');
    await person.see('error').waitFor({ state: 'visible' });
    assert.equal(await person.text('error-spent'), 'Nothing was spent.');
    assert.equal(await person.see('retry').isVisible(), true);
  });

  story('the dialog is one for the keyboard and for those who listen', {}, async (person) => {
    await person.open();
    await person.logIn();
    await person.page.keyboard.press('Tab');
    await person.see('question').focus();
    await person.page.keyboard.type('Factor 5040');
    await person.page.keyboard.press('Enter');
    await person.dialog();
    const dialog = person.page.getByRole('dialog', { name: /asks for 2 credits/ });
    assert.equal(await dialog.isVisible(), true);
    assert.equal(await person.page.evaluate(() => document.activeElement.closest('dialog') !== null), true);
    await person.page.keyboard.press('Tab');
    assert.equal(await person.see('remember').evaluate((node) => node === document.activeElement), true);
    await person.page.keyboard.press('Tab');
    await person.page.keyboard.press('Tab');
    await person.page.keyboard.press('Enter');
    await person.answered('Factor 5040');
    assert.equal(await person.text('status'), 'Answered. 5,040 is not prime: it is 2^4 × 3^2 × 5 × 7.');
  });

  for (const [name, options] of Object.entries({
    '13-mobile': { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
    '14-dark': { colorScheme: 'dark' },
    '15-narrow': { viewport: { width: 380, height: 760 } },
  })) {
    story(`the page fits ${name.slice(3)}`, options, async (person) => {
      await person.open();
      await person.logIn();
      await person.type('What is a delegation?');
      await person.dialog();
      await person.shot(`${name}-consent`);
      await person.see('approve').click();
      await person.answered('What is a delegation?');
      await person.shot(`${name}-receipt`);
      const over = await person.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(over, 0, 'nothing is wider than the screen');
    });
  }
});

/** Neither where the page is nor where it can go back to shows a key. The browser itself is asked: a page sees less. */
async function noKeyInSight(page) {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send('Page.getNavigationHistory');
  await devtools.detach();
  const shown = [page.url(), await page.evaluate(() => location.href + document.referrer), ...entries.map((entry) => entry.url)];
  for (const url of shown) assert.ok(!/nvmApiKey|local:|local%3A/.test(url), `a key shows at ${url.split('?')[0]}`);
  assert.doesNotMatch(page.url(), /nvmState|accountAddress/);
}
