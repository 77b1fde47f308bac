// The servers of the demo, but for the sandbox, whose variables this process finds in its environment: the service that is sold behind its paywall, and the
// page. With --headless a buyer walks the whole way instead of the page.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Payments } from '../node.js';
import { paywall } from '../paywall.js';
import { toNodeListener } from '../paywall.node.js';
import origin from '../www/origin.js';
import { serverSentEvents } from '../www/sse.js';
import { servePage } from './page.js';
import { out, table } from './terminal.js';
import { walk } from './demo-flow.js';

const HOST = '127.0.0.1';
const PORT = 4020;
const PRICES = { 'POST /ask': 2, 'GET /stream': 5 };
const { SANDBOX_URL: sandbox, NVM_API_KEY_SELLER: nvmApiKey, NVM_PLAN_ID_QUESTIONS: planId, NVM_AGENT_ID_ORACLE: agentId } = process.env;
const { values: { port, headless } } = parseArgs({ options: { port: { type: 'string' }, headless: { type: 'boolean' } } });

const listen = (server, number) => new Promise((done, fail) => server.once('error', fail).listen(number, HOST, () => done(server.address().port)));

/** The page's port: the one asked for, the usual one, or any. */
async function pagePort() {
  if (headless) return 0;
  const wanted = port === undefined ? PORT : Number(port);
  const probe = createServer();
  try {
    const found = await listen(probe, wanted);
    await new Promise((done) => probe.close(done));
    return found;
  } catch (error) {
    if (port === undefined) return 0;
    console.error(`port ${wanted} ${error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`}: choose another with --port`);
    process.exit(1);
  }
}

const files = { '/pkg/': fileURLToPath(new URL('..', import.meta.url)), '/': fileURLToPath(new URL('../www', import.meta.url)) };
const config = { environment: 'custom', backend: sandbox, frontend: sandbox, embed: sandbox, planId, agentId };
const page = await servePage({ host: HOST, port: await pagePort(), config, folders: files });

const calls = [];
const gate = paywall((request) => {
  const { pathname } = new URL(request.url);
  calls.push({ method: request.method, path: pathname });
  return origin.fetch(request);
}, {
  nvmApiKey, environment: 'custom', backend: sandbox, state: 'memory', log: false, unlisted: 'deny', openRoutes: ['GET /health'], allowedOrigins: [page.url],
  routes: {
    'POST /ask': { planId, agentId, credits: PRICES['POST /ask'], description: 'One answer of the oracle' },
    'GET /stream': { planId, agentId, credits: PRICES['GET /stream'], description: 'One answer of the oracle, word by word' },
  },
});
const { warn } = console;
console.warn = () => {}; // That the state is kept in this process: here it is meant to be.
await gate.ready();
console.warn = warn;
const server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener(gate));
config.paywall = `http://${HOST}:${await listen(server, 0)}`;

const prices = Object.entries(PRICES).map(([route, credits]) => `${route} ${credits} credits`).join(', ');
const rows = [
  ...(headless ? [] : [['page', out.bold(out.cyan(`${page.url}/`)), out.bold('open this')]]),
  ['paywall', config.paywall, out.dim(prices)],
  ['sandbox', sandbox, out.dim('Nevermined in small: accounts, plans, credits')],
];
console.log(`${table(rows.map(([name, url, note]) => [`  ${out.dim(name)}`, url, note]), 'lll')}\n`);
if (headless) {
  const newAccount = async (api, name) => (await fetch(`${api}/sandbox/accounts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name }) })).json();
  const servers = { sandbox: { url: sandbox }, paywall: { url: config.paywall }, planId, agentId, origin: { calls: () => calls } };
  const good = await walk(servers, { Payments, prices: PRICES, serverSentEvents, newAccount });
  process.exit(good ? 0 : 1);
}
console.log(`  ${out.dim('Ctrl-C ends all of it.')}\n`);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0));
