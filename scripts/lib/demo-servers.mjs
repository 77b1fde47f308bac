// All servers of the demo and of the tests that play the whole way: a sandbox with a seller in it, the seller's
// service, a paywall in front of it, and the page. Everything the seller does goes over HTTP, as a seller would do it.
import { createServer } from 'node:net';
import { startOrigin, startPage, startPaywall, startSandbox } from './start.mjs';

/** Prices of requests, in credits. */
export const PRICES = { 'POST /ask': 2, 'GET /stream': 5 };

const PLAN = { name: 'Oracle credits', credits: '100', cents: 500 };

/**
 * Starts the four servers and seeds the sandbox. `ports` names the ports of page, paywall, sandbox and origin; free ones
 * are taken where it does not. `report` hears what is being started. `allowedOrigins` are pages that may call the paywall, where not only its own may;
 * with `faults` the sandbox's dashboard offers them.
 */
export async function startDemoServers(options = {}) {
  for (let tried = 1; ; tried++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Free ports are chosen before anybody listens there, and somebody else may be quicker.
      if (tried === 3 || Object.keys(options.ports ?? {}).length > 0 || !/in use/i.test(error.message)) throw error;
    }
  }
}

async function startOnce({ ports = {}, report = () => {}, allowedOrigins, faults = false } = {}) {
  const started = [];
  const start = async (title, starting) => {
    report(title);
    const server = await starting;
    started.push(server);
    return server;
  };
  const stop = () => Promise.all(started.map((server) => server.stop())).then(() => undefined);
  try {
    const sandbox = await start('sandbox', startSandbox({ port: ports.sandbox, vars: faults ? { SANDBOX_FAULTS: '1' } : {} }));
    const origin = await start('origin', startOrigin({ port: ports.origin }));
    report('seller');
    // The seller names the paywall's address in the agent and the page's in the paywall, so both are chosen before.
    const { page: pagePort = await freePort(), paywall: paywallPort = await freePort() } = ports;
    const seller = await seed(sandbox.url, `http://127.0.0.1:${paywallPort}`);
    const { planId, agentId } = seller;
    const routes = Object.fromEntries(
      Object.entries(PRICES).map(([route, credits]) => [route, { planId, agentId, credits, description: DESCRIPTIONS[route] }]));
    const paywall = await start('paywall', startPaywall({
      port: paywallPort, origin: origin.url, api: sandbox.url, key: seller.nvmApiKey,
      routes: { routes, open: ['GET /health'], unlisted: 'deny', allowedOrigins: allowedOrigins ?? [`http://127.0.0.1:${pagePort}`] },
    }));
    const platform = { environment: 'custom', backend: sandbox.url, frontend: sandbox.url, embed: sandbox.url };
    const page = await start('page', startPage({ port: pagePort, config: { ...platform, paywall: paywall.url, planId, agentId } }));
    return { sandbox, origin, paywall, page, seller, planId, agentId, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const DESCRIPTIONS = { 'POST /ask': 'One answer of the oracle', 'GET /stream': 'One answer of the oracle, word by word' };

/** A seller with a plan and an agent: `{ nvmApiKey, accountAddress, planId, agentId }`. */
async function seed(api, service) {
  const account = await newAccount(api, 'The oracle');
  const dateCreated = new Date().toISOString();
  const zero = `0x${'0'.repeat(40)}`;
  const { planId } = await post(api, '/api/v1/protocol/plans', account.nvmApiKey, {
    metadataAttributes: { name: PLAN.name, description: `${PLAN.credits} credits for questions`, dateCreated },
    priceConfig: {
      tokenAddress: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', // USDC on Base Sepolia: six decimals
      amounts: [String(PLAN.cents * 10_000)], receivers: [account.accountAddress], contractAddress: zero,
      feeController: zero, externalPriceAddress: zero, templateAddress: zero, isCrypto: true, currency: 'USDC',
    },
    creditsConfig: {
      isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: '0',
      amount: PLAN.credits, minAmount: '1', maxAmount: '10',
    },
    nonce: String(BigInt(`0x${crypto.randomUUID().replaceAll('-', '')}`)), isTrialPlan: false, accessLimit: 'credits', currency: 'USDC',
  });
  const endpoints = Object.keys(PRICES).map((route) => {
    const [verb, path] = route.split(' ');
    return { [verb]: service + path };
  });
  const { data } = await post(api, '/api/v1/protocol/agents', account.nvmApiKey, {
    metadataAttributes: { name: 'The oracle', description: 'Answers questions by working them out', dateCreated },
    agentApiAttributes: { endpoints, openEndpoints: [`${service}/health`], authType: 'none' },
    plans: [planId],
  });
  return { ...account, planId, agentId: data.agentId };
}

/** A new account of the sandbox: `{ nvmApiKey, accountAddress }`. */
export function newAccount(api, name) {
  return post(api, '/sandbox/accounts', undefined, { name });
}

async function post(api, path, key, body) {
  const response = await fetch(api + path, {
    method: 'POST',
    headers: {
      accept: 'application/json', 'content-type': 'application/json',
      ...(key && { authorization: `Bearer ${key}`, 'nevermined-version': '1.1' }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

/** A port that was free a moment ago: the one asked for, or any. An error where it was not. */
export function freePort(wanted = 0) {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail).listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}
