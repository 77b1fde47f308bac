// Follows the package's README: the sandbox, gate.mjs, agent.mjs, and the page in the projects of Vite and React, whose
// files except App.tsx are here. Its programs compile as strict TypeScript. Only the ports are changed, because they
// may be taken here.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startServer } from '../../../scripts/lib/install.mjs';
import { repoPath } from '../../../scripts/lib/run.mjs';

const freePort = () => new Promise((done) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)); }); });
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
const STRICT = { target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable'], jsx: 'react-jsx', strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true };

export default {
  title: 'the README, step by step', quick: true,
  async run({ folder, start, chromium }) {
    const readme = readFileSync(join(folder, 'node_modules/payments-wasm/README.md'), 'utf8');
    const [sandbox, gate, site] = [await freePort(), await freePort(), await freePort()];
    const here = (text) => text.replaceAll('3001', sandbox).replaceAll('8787', gate).replaceAll('5173', site);
    const blocks = Object.fromEntries([...readme.matchAll(/^```(?:js|tsx) file:(\S+)\n(.*?)^```/gms)].map(([, name, text]) => [name, here(text)]));
    assert.deepEqual(Object.keys(blocks), ['gate.mjs', 'agent.mjs', 'src/App.tsx']);
    for (const [name, text] of Object.entries(blocks)) {
      writeFileSync(join(folder, name), text);
      writeFileSync(join(folder, name.replace('.mjs', '.ts')), text);
    }
    for (const [module, moduleResolution] of [['esnext', 'bundler'], ['nodenext', 'nodenext']]) {
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, module, moduleResolution, types: ['node', 'vite/client'] }, files: ['gate.ts', 'agent.ts', 'src/main.tsx'] }));
      await start(['tsc', '-p', '.']);
    }

    const command = (word) => readme.match(new RegExp(`^${word}.*$`, 'm'))[0].replace(/ +#.*/, '').split(' ').slice(1);
    const [, ...options] = command('npx payments-wasm sandbox');
    const bin = join(folder, 'node_modules/.bin/payments-wasm');
    const env = { XDG_CACHE_HOME: repoPath('target/install-cache'), NVM_API_KEY: undefined };
    const servers = [];
    try {
      servers.push(await startServer(process.execPath, [bin, ...options, '--port', String(sandbox)], { cwd: folder, env, url: `http://127.0.0.1:${sandbox}` }));
      for (let waited = 0; !existsSync(join(folder, 'sandbox.env')) && waited < 20_000; waited += 100) await new Promise((done) => setTimeout(done, 100));
      servers.push(await startServer(process.execPath, command('node --env-file=sandbox.env gate'), { cwd: folder, env, url: `http://127.0.0.1:${gate}` }));
      const unpaid = await fetch(`http://127.0.0.1:${gate}/ask`, { method: 'POST' });
      assert.equal(unpaid.status, 402);
      const { stdout } = await start(['node', ...readme.match(/node (--env-file=sandbox.env agent.mjs)/)[1].split(' ')], { env });
      assert.match(stdout, /answer: 42, payer: '0x[^']+' \} 98n/i);

      // As Vite serves it while one works on it, and as it is built.
      const vite = (...words) => startServer(process.execPath, ['node_modules/vite/bin/vite.js', ...words, '--port', String(site), '--strictPort'], { cwd: folder, env, url: `http://localhost:${site}` });
      await start(['vite', 'build']);
      for (const [words, left] of [[[], 96], [['preview'], 94]]) {
        const server = await vite(...words);
        servers.push(server);
        await page(chromium, `http://localhost:${site}`, left);
        await server.stop();
      }
    } finally {
      for (const server of servers.reverse()) await server.stop();
    }
  },
};

/** A person who logs in as the buyer of the seed file, and pays. */
async function page(chromium, url, left) {
  const { chromium: engine } = await import('playwright-core');
  const browser = await engine.launch({ executablePath: chromium, args: FLAGS });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('dialog', (dialog) => { wrong.push(dialog.message()); dialog.accept(); });
    await page.goto(url);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Ada' }).click();
    await page.getByRole('button', { name: 'Ask for 2 credits' }).click();
    await page.locator('output').filter({ hasText: /\S/ }).waitFor();
    assert.match(await page.locator('output').innerText(), /^\{"answer":42,"payer":"0x[^"]+"\} for 2 credits$/);
    assert.deepEqual(wrong, [`${wrong[0].split(' ')[0]} asks for 2 credits. You have ${left + 2}.`]);
  } finally {
    await browser.close();
  }
}
