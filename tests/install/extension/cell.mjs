// An extension of Manifest V3: a page of it pays with the package's files as they are, its background with payments-wasm/inline.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-features=DisableLoadExtensionCommandLineSwitch'];

export default {
  title: 'extension (MV3), page and background', quick: true,
  async run({ folder, chromium, pay }) {
    const { chromium: engine } = await import('playwright-core');
    cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, 'extension/pkg'), { recursive: true });
    cpSync(join(folder, 'pay.js'), join(folder, 'extension/pay.js'));
    const profile = mkdtempSync(join(folder, 'profile-'));
    const extension = join(folder, 'extension');
    const browser = await engine.launchPersistentContext(profile, { executablePath: chromium, args: [...FLAGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`] });
    try {
      const worker = browser.serviceWorkers()[0] ?? await browser.waitForEvent('serviceworker', { timeout: 15_000 });
      for (const who of ['page', 'background']) {
        await pay(async (config) => {
          const page = await browser.newPage();
          await page.goto(new URL(`/page.html?${new URLSearchParams({ who, config: JSON.stringify(config) })}`, worker.url()).href);
          const text = await page.locator('#result').textContent({ timeout: 20_000 });
          await page.close();
          return JSON.parse(text);
        });
      }
    } finally {
      await browser.close();
      rmSync(profile, { recursive: true, force: true });
    }
  },
};
