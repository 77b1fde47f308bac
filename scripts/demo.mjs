// npm run demo [-- --port P] [-- --headless]: the whole way on this machine, to click through or to watch in the terminal.
import { pathToFileURL } from 'node:url';
import { build, dist } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { duration, out, step, table } from './lib/terminal.mjs';
import { setup } from './lib/tools.mjs';

const USAGE = `npm run demo [-- --port P] [--headless]

  --port P     the page's port on 127.0.0.1; paywall, sandbox and origin take the three after it
  --headless   no page: a buyer walks the whole way in this terminal`;

const FIRST_PORT = 4020;

main(async () => {
  const { port, headless } = options(USAGE, { port: { port: true }, headless: { type: 'boolean' } });
  console.log(`\n  ${out.bold('payments-wasm')}  ${out.dim(headless ? 'the whole way, in a terminal' : 'the demo')}\n`);
  const started = performance.now();
  await setup();
  // Development builds are enough for the demo: an optimised build takes minutes.
  await build(['subscriber', 'worker', 'sandbox'], { dev: true });
  const { PRICES, freePort, newAccount, startDemoServers } = await import('./lib/demo-servers.mjs');
  const ports = await choosePorts(port, headless, freePort);
  const demo = await step('servers', async (report) => {
    const demo = await startDemoServers({ ports, report, faults: true });
    // Whoever logs in on the page has somebody to be who is not the seller.
    if (!headless) await newAccount(demo.sandbox.url, 'Ada, who buys');
    return { ...demo, note: 'sandbox, origin, paywall, page' };
  });
  const prices = Object.entries(PRICES).map(([route, credits]) => `${route} ${credits} credits`).join(', ');
  const servers = [
    ...(headless ? [] : [['page', out.bold(out.cyan(`${demo.page.url}/`)), out.bold('open this')]]),
    ['paywall', demo.paywall.url, out.dim(prices)],
    ['sandbox', demo.sandbox.url, out.dim('Nevermined in small: accounts, plans, credits')],
    ['origin', demo.origin.url, out.dim('the service that is sold')],
  ];
  console.log(`\n${table(servers.map(([name, url, note]) => [`  ${out.dim(name)}`, url, note]), 'lll')}\n`);
  if (!headless) {
    console.log(`  ${out.dim(`Ready in ${duration(performance.now() - started)}. Ctrl-C ends all of it.`)}\n`);
    return undefined;
  }
  try {
    const { walk } = await import('../src/cli/demo-flow.js');
    const { Payments } = await import(pathToFileURL(dist('subscriber', 'index.js')).href);
    const { serverSentEvents } = await import('../www/sse.js');
    return (await walk(demo, { Payments, prices: PRICES, serverSentEvents, newAccount })) ? 0 : 1;
  } finally {
    await demo.stop();
  }
});

/** The four ports: those asked for, the first free row of four, or for the terminal any. */
async function choosePorts(wanted, headless, freePort) {
  const names = ['page', 'paywall', 'sandbox', 'origin'];
  const row = (first) => Object.fromEntries(names.map((name, i) => [name, first + i]));
  if (wanted !== undefined && wanted !== 0) {
    if (wanted > 65532) throw new UserError(`--port ${wanted} leaves no room for the three ports after it`);
    return row(wanted);
  }
  if (headless || wanted === 0) return {};
  for (let first = FIRST_PORT; first < FIRST_PORT + 400; first += 10) {
    const free = await Promise.all(Object.values(row(first)).map((one) => freePort(one).then(() => true, () => false)));
    if (free.every(Boolean)) return row(first);
  }
  return {};
}
