// A Worker, bundled by wrangler as it would be deployed, in workerd.
import { repoPath } from '../../../scripts/lib/run.mjs';

export default {
  title: 'workerd, bundled by wrangler', quick: true, build: [[repoPath('node_modules/.bin/wrangler'), 'deploy', '--dry-run', '--outdir', 'dist']],
  async run({ folder, pay }) {
    const { Miniflare } = await import('miniflare');
    const { readdirSync } = await import('node:fs');
    await pay(async (config) => {
      const miniflare = new Miniflare({
        host: '127.0.0.1', cf: false, compatibilityDate: '2026-04-01', modulesRoot: `${folder}/dist`,
        modules: readdirSync(`${folder}/dist`).filter((name) => /\.(js|wasm)$/.test(name)).sort((one) => (one === 'main.js' ? -1 : 1))
          .map((name) => ({ type: name.endsWith('.js') ? 'ESModule' : 'CompiledWasm', path: `${folder}/dist/${name}` })),
      });
      try {
        const answer = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(config) });
        return await answer.json();
      } finally {
        await miniflare.dispose();
      }
    });
  },
};
