// Servers and clients in Python beside these tests, and accounts of a sandbox that pay them.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { newAccount } from '../../scripts/lib/demo-servers.mjs';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const ZERO = '0x0000000000000000000000000000000000000000';
const { PYTHON } = process.env;
/** Why these tests cannot run, if they cannot. */
export const skip = PYTHON ? false : 'Python is not installed';

const variables = (sandbox, more) => ({
  SANDBOX_URL: sandbox.url, NVM_BACKEND_URL: sandbox.url, NVM_FRONTEND_URL: sandbox.url, PYTHONUNBUFFERED: '1',
  PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore', ...more,
});

/**
 * Starts a program that serves, and gives what it says in its first line, as JSON, and `stop`. It ends with this process:
 * its standard input is a pipe from here. A port that somebody else took in the meantime is tried again.
 */
export async function startService(program, sandbox, more, tries = 3) {
  const child = spawn(PYTHON, [repoPath('tests/python', program)], {
    env: { ...process.env, ...variables(sandbox, more) }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
  const ended = new Promise((done) => child.on('close', done));
  const ready = new Promise((done) => {
    createInterface({ input: child.stdout }).on('line', (line) => (line.startsWith('{') ? done(JSON.parse(line)) : (said += `${line}\n`)));
  });
  const facts = await Promise.race([ready, ended.then(() => undefined)]);
  if (facts) {
    return {
      ...facts,
      async stop() {
        child.kill();
        await ended;
      },
    };
  }
  if (tries > 1 && /address already in use/i.test(said)) return startService(program, sandbox, more, tries - 1);
  throw new Error(`${program} ended before it served\n${said}`);
}

/** Runs a program to its end and gives what it says in its last line, as JSON. */
export async function runProgram(program, sandbox, more) {
  const { stdout } = await run(PYTHON, [repoPath('tests/python', program)], { env: variables(sandbox, more), timeout: 120_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** Our SDK as a new account of the sandbox, with a delegation; `more` are other options of an instance. */
export async function newBuyer(sandbox, { terms = {}, ...more } = {}) {
  const account = await newAccount(sandbox.url, 'A buyer from the other house');
  const options = { nvmApiKey: account.nvmApiKey, environment: 'custom', backend: sandbox.url };
  const plain = await Payments.getInstance(options);
  const { delegationId } = await plain.delegation.createDelegation({
    provider: 'erc4337', spendingLimitCents: 5000, durationSecs: 3600, currency: 'usdc', ...terms,
  });
  const payments = await Payments.getInstance({ ...options, delegationConfig: { delegationId }, ...more });
  return { ...account, delegationId, payments };
}

/** A sandbox with a seller: `plan(price)` and `agent(plans)` register one and give its id. Ten dollars a plan, if not said otherwise. */
export async function startMarket() {
  const sandbox = await startSandbox();
  const seller = await newAccount(sandbox.url, 'Seller');
  const post = async (path, body) => {
    const response = await fetch(sandbox.url + path, {
      method: 'POST', body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${seller.nvmApiKey}` },
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    sandbox, seller,
    async plan(price = { isCrypto: true, amounts: ['10000000'], tokenAddress: USDC }) {
      const { planId } = await post('/api/v1/protocol/plans', {
        metadataAttributes: { name: 'Questions' },
        priceConfig: {
          receivers: [seller.accountAddress], tokenAddress: ZERO, contractAddress: ZERO, feeController: ZERO, externalPriceAddress: ZERO,
          templateAddress: ZERO, ...price,
        },
        creditsConfig: {
          isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: '0', amount: '100', minAmount: '1', maxAmount: '10',
        },
        nonce: '1', accessLimit: 'credits',
      });
      return planId;
    },
    async agent(plans, name = 'Oracle') {
      const { data } = await post('/api/v1/protocol/agents', { metadataAttributes: { name }, agentApiAttributes: {}, plans });
      return data.agentId;
    },
    stop: () => sandbox.stop(),
  };
}
