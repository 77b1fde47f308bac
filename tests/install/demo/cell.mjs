// `npx payments-wasm demo` from the package alone: the way in the terminal, and the page in Chromium. What it fetches for itself stays for the next time.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { startServer } from '../../../scripts/lib/install.mjs';
import { repoPath } from '../../../scripts/lib/run.mjs';

const port = () => new Promise((done) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)); }); });

export default {
  title: 'npx payments-wasm demo', quick: true,
  async run({ folder, start, chromium }) {
    const env = { XDG_CACHE_HOME: repoPath('target/install-cache') };
    const { stdout } = await start(['payments-wasm', 'demo', '--headless'], { env, timeout: 60_000 });
    assert.match(stdout, /The whole way holds/);
    const number = await port();
    const url = `http://127.0.0.1:${number}`;
    const bin = `${folder}/node_modules/.bin/payments-wasm`;
    const server = await startServer(process.execPath, [bin, 'demo', '--port', String(number)], { cwd: folder, url, env });
    const { chromium: engine } = await import('playwright-core');
    const browser = await engine.launch({ executablePath: chromium, args: ['--headless=new', '--no-sandbox', '--disable-gpu'] });
    try {
      const page = await browser.newPage();
      const wrong = [];
      page.on('pageerror', (error) => wrong.push(String(error)));
      page.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Failed to load resource') && wrong.push(message.text()));
      await page.goto(`${url}/`);
      await page.getByTestId('question').fill('What is 15% of 240?');
      await page.getByTestId('quote').click();
      await page.getByTestId('price').filter({ hasText: '2 credits' }).waitFor({ timeout: 20_000 });
      assert.deepEqual(wrong, []);
      // Whoever logs in need not be the seller, and the dashboard's faults can be switched on.
      const { backend } = await (await fetch(`${url}/config.json`)).json();
      const { sandbox, accounts } = await (await fetch(`${backend}/sandbox/state`)).json();
      assert.ok(sandbox.faulty && accounts.items.some(({ name }) => name === 'Ada, who buys'), JSON.stringify({ sandbox, accounts }).slice(0, 500));
    } finally {
      await browser.close();
      await server.stop();
    }
    // With the command all of it ends.
    for (let waited = 0; await fetch(url).then(() => true, () => false); waited += 100) {
      assert.ok(waited < 10_000, 'the page is still served');
      await new Promise((done) => setTimeout(done, 100));
    }
  },
};
