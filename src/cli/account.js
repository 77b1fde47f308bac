// Plans, balances, orders, tokens and agents of the account that is logged in.
import { Payments } from '../node.js';
import { agreed } from './ask.js';
import { account } from './profile.js';
import { count, table } from './terminal.js';
import { UsageError } from './usage-error.js';

/** A name that somebody else chose, on a terminal. */
export const printable = (text) => String(text ?? '').replace(/[\p{Cc}\p{Cf}]/gu, '');
const json = (value) => JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one), 2);
const isId = (text) => /^\d{1,78}$/.test(text ?? '');

/** The id that a command is about. */
function idOf(what, text) {
  if (!isId(text)) throw new UsageError(text === undefined ? `${what} is missing` : `${what} is a number in decimal digits, not ${printable(text)}`);
  return text;
}

/** The price of a plan, for a person. */
export function priceOf({ registry }) {
  const { amounts = [], isCrypto, currency, tokenAddress } = registry?.price ?? {};
  const total = amounts.reduce((sum, one) => sum + BigInt(one), 0n);
  if (total === 0n) return 'free';
  // Cards and stable coins count in millionths.
  const fraction = String(total % 1_000_000n).padStart(6, '0').replace(/0{1,4}$/, '');
  const unit = currency ?? (isCrypto ? (/^0x0{40}$/.test(tokenAddress ?? '') ? undefined : 'USDC or another token') : 'USD');
  return unit === undefined ? `${count(total)} of the chain's smallest unit` : `${count(total / 1_000_000n)}.${fraction} ${unit}`;
}

/** The credits that a purchase of a plan adds. */
const creditsOf = ({ registry }) => String(registry?.credits?.amount ?? '');
const nameOf = ({ metadata }) => printable(metadata?.main?.name);

export async function plans(planId, { json: asJson, ...values }) {
  const payments = Payments.getInstance(account(values));
  const found = planId === undefined ? (await payments.plans.getPlans()).plans : [await payments.plans.getPlan(idOf('PLAN', planId))];
  if (asJson) return console.log(json(planId === undefined ? found : found[0]));
  if (found.length === 0) return console.log('This account sells no plan.');
  console.log(table([['PLAN', 'NAME', 'PRICE', 'CREDITS'], ...found.map((plan) => [plan.id, nameOf(plan), priceOf(plan), creditsOf(plan)])], 'llrr'));
}

export async function balance(planId, { json: asJson, ...values }) {
  const found = await Payments.getInstance(account(values)).plans.getPlanBalance(idOf('PLAN', planId));
  console.log(asJson ? json(found) : `${count(found.balance)} credits of ${printable(found.planName)}`);
}

export async function order(planId, { json: asJson, yes, ...values }) {
  const payments = Payments.getInstance(account(values));
  const plan = await payments.plans.getPlan(idOf('PLAN', planId));
  if (!yes && !await agreed(`Buy ${nameOf(plan)} (${creditsOf(plan)} credits) for ${priceOf(plan)}?`, '--yes')) throw new UsageError('nothing was bought');
  const bought = await payments.plans.orderPlan(planId);
  console.log(asJson ? json(bought) : `bought, transaction ${bought.txHash}`);
}

export async function token(planId, { json: asJson, agent, delegation, ...values }) {
  const payments = Payments.getInstance(account(values));
  const config = delegation && { delegationConfig: { delegationId: delegation } };
  const found = await payments.x402.getX402AccessToken(idOf('PLAN', planId), agent && idOf('--agent', agent), ...(config ? [config] : []));
  console.log(asJson ? json(found) : found.accessToken);
}

export async function agents(agentId, { json: asJson, ...values }) {
  const payments = Payments.getInstance(account(values));
  const found = agentId === undefined ? (await payments.agents.getAgents()).agents : [await payments.agents.getAgent(idOf('AGENT', agentId))];
  if (asJson) return console.log(json(agentId === undefined ? found : found[0]));
  if (found.length === 0) return console.log('This account has no agent.');
  console.log(table([['AGENT', 'NAME'], ...found.map((agent) => [agent.id, nameOf(agent)])], 'll'));
}

export async function registerAgent({ json: asJson, name, description, endpoint = [], plan = [], ...values }) {
  if (!name) throw new UsageError('--name is missing');
  if (plan.length === 0) throw new UsageError('--plan is missing: an agent is paid for through one plan or more');
  const endpoints = endpoint.map((text) => {
    const [, verb, url] = /^([A-Z]+) (\S+)$/.exec(text) ?? [];
    if (!verb || !URL.canParse(url)) throw new UsageError(`--endpoint is a method and a URL, "POST https://api.example/ask", not ${printable(text)}`);
    return { verb, url };
  });
  const payments = Payments.getInstance(account(values));
  const registered = await payments.agents.registerAgent({ name, ...(description && { description }) }, { endpoints, authType: 'none' }, plan.map((id) => idOf('--plan', id)));
  console.log(asJson ? json(registered) : registered.agentId);
}
