import { writeFileSync, mkdirSync } from 'node:fs';
import resolve from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';

const html = { name: 'html', writeBundle() { mkdirSync('dist', { recursive: true }); writeFileSync('dist/index.html', '<!doctype html><title>A page that pays</title><link rel="icon" href="data:,"><body><script type="module" src="main.js"></script>'); } };

export default { input: 'main.js', output: { dir: 'dist', format: 'es' }, plugins: [resolve({ browser: true }), terser(), html] };
