// Buyers in front of the demo's servers. Each file that imports it has servers of its own.
import { after, before } from 'node:test';
import { PRICES, newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';

export let servers;
before(async () => { servers = await startDemoServers(); });
after(() => servers?.stop());

export const price = BigInt(PRICES['POST /ask']);
export const question = { method: 'POST', body: JSON.stringify({ question: 'What is 1 + 1?' }) };

/** A new buyer with a delegation, and with credits unless it is to have none. */
export async function buyer(options = {}, { credits = true } = {}) {
  const { sandbox, planId } = servers;
  const account = await newAccount(sandbox.url, 'Somebody');
  const base = { nvmApiKey: account.nvmApiKey, environment: 'custom', backend: sandbox.url };
  const first = await Payments.getInstance(base);
  if (credits) await first.plans.orderPlan(planId);
  const { delegationId } = await first.delegation.createDelegation({
    provider: 'erc4337', spendingLimitCents: 1000, durationSecs: 600, currency: 'usdc',
  });
  return Payments.getInstance({ ...base, delegationConfig: { delegationId }, ...options });
}

/** How often the platform was called at a path by POST since `forget`. */
export const calls = async (path) => (await (await fetch(`${servers.sandbox.url}/sandbox/calls`)).json())
  .filter((call) => call.method === 'POST' && call.path.endsWith(path)).length;
export const forget = () => fetch(`${servers.sandbox.url}/sandbox/calls`, { method: 'DELETE' });
