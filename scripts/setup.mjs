// npm run setup: fetches every tool the other commands would fetch when they first need it.
import { main } from './lib/cli.mjs';
import { setup } from './lib/tools.mjs';

main(() => setup('wasmBindgen', 'chromium', 'python', 'runtimes').then(() => undefined));
