import { readdirSync, writeFileSync } from 'node:fs';

writeFileSync('dist/index.html', '<!doctype html><title>A page that pays</title><link rel="icon" href="data:,"><body><script src="main.js"></script>');
if (!readdirSync('dist').some((name) => name.endsWith('.wasm'))) throw new Error('the wasm is no file');
