// Next.js, built and started for production: a client page, a route in Node, a route in the edge runtime.
import { createServer } from 'node:net';
import { startServer } from '../../../scripts/lib/install.mjs';

const port = () => new Promise((done) => { const probe = createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)); }); });

export default {
  title: 'Next.js: client, node, edge', build: [['next', 'build']],
  async run({ folder, chromium, stage, look }) {
    const at = await port();
    const url = `http://127.0.0.1:${at}`;
    const server = await startServer(process.execPath, ['node_modules/next/dist/bin/next', 'start', '-p', String(at), '-H', '127.0.0.1'], { cwd: folder, url, env: { NEXT_TELEMETRY_DISABLED: '1' } });
    try {
      await stage((config) => look({ chromium, url, path: `/?${new URLSearchParams({ config: JSON.stringify(config) })}` }));
      for (const route of ['node', 'edge']) {
        await stage(async (config) => {
          const answer = await fetch(`${url}/api/${route}`, { method: 'POST', body: JSON.stringify(config) });
          if (!answer.ok) throw new Error(`${route}: ${answer.status} ${(await answer.text()).slice(0, 500)}\n${server.said()}`);
          return answer.json();
        });
      }
    } finally {
      await server.stop();
    }
  },
};
