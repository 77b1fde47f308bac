import { writeFileSync } from 'node:fs';

writeFileSync('dist/index.html', '<!doctype html><title>A page that pays</title><link rel="icon" href="data:,"><body><script src="main.js"></script>');
