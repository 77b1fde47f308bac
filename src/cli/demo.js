// npx payments-wasm demo: the sandbox, and while it stands the other servers (demo-servers.js) with its variables.
import { fileURLToPath } from 'node:url';
import { fetchMiniflare } from './fetch-miniflare.js';
import { sandbox } from './sandbox.js';
import { out } from './terminal.js';
import { portOf } from './text.js';

export async function demo({ port, headless }) {
  if (port !== undefined) portOf(port);
  console.log(`\n  ${out.bold('payments-wasm')}  ${out.dim(headless ? 'the whole way, in a terminal' : 'the demo')}\n`);
  await fetchMiniflare((text) => console.log(`  ${out.dim(text)}\n`));
  const program = fileURLToPath(new URL('./demo-servers.js', import.meta.url));
  const seed = fileURLToPath(new URL('./demo.seed.json', import.meta.url));
  const args = [...(port === undefined ? [] : ['--port', port]), ...(headless ? ['--headless'] : [])];
  // With faults, which the dashboard then offers.
  await sandbox({ port: '0', seed, faults: true }, { self: 'npx payments-wasm demo', command: [process.execPath, program, ...args] });
}
