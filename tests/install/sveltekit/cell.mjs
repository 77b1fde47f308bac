// SvelteKit, built for Node: a page, and an endpoint on the server.
import { createServer } from 'node:net';
import { startServer } from '../../../scripts/lib/install.mjs';

const port = () => new Promise((done) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)); }); });

export default {
  title: 'SvelteKit: page, endpoint', build: [['vite', 'build']],
  async run({ folder, chromium, pay, look }) {
    const at = await port();
    const url = `http://127.0.0.1:${at}`;
    const server = await startServer(process.execPath, ['build/index.js'], { cwd: folder, url, env: { PORT: String(at), HOST: '127.0.0.1', ORIGIN: url } });
    try {
      await pay((config) => look({ chromium, url, path: `/?${new URLSearchParams({ config: JSON.stringify(config) })}` }));
      await pay(async (config) => {
        const answer = await fetch(`${url}/api`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(config) });
        if (!answer.ok) throw new Error(`${answer.status} ${(await answer.text()).slice(0, 500)}\n${server.said()}`);
        return answer.json();
      });
    } finally {
      await server.stop();
    }
  },
};
