// Compares the package's objects with its types: each object is written as a literal, and the compiler reports a member
// that is missing, undeclared or of another type.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { dist } from '../../scripts/lib/build.mjs';
import { repoPath, run } from '../../scripts/lib/run.mjs';
import { newAccount, startDemoServers } from '../../scripts/lib/demo-servers.mjs';
import { Payments, buildPaymentRequired } from '../../target/dist/subscriber/page.js';
import { BY_CARD, client } from '../sandbox/client.mjs';

const folder = repoPath('target/shapes');
let servers;
before(async () => { servers = await startDemoServers(); });
after(async () => {
  await servers?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A value as TypeScript, `bigint`s and dates included. */
function literal(value) {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Date) return `new Date(${Number(value)})`;
  if (value instanceof Response) return 'new Response()';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value) return `{ ${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`).join(', ')} }`;
  return String(JSON.stringify(value));
}

test('what is given is what is declared', async () => {
  const { sandbox, paywall, seller, planId, agentId } = servers;
  const account = client(sandbox.url, await newAccount(sandbox.url, 'Somebody'));
  const byCard = await client(sandbox.url, seller).plan(BY_CARD);
  const reported = { events: [], offers: [] };
  const payments = await Payments.getInstance({
    nvmApiKey: account.key, environment: 'custom', backend: sandbox.url, delegationConfig: { delegationId: await account.delegation() },
    onEvent: (event) => reported.events.push(event),
    async approve(offer, context) {
      reported.offers.push(offer);
      [reported.plan, reported.balance] = await Promise.all([context.plan(), context.balance()]);
      return { approve: true, purchase: true };
    },
  });
  const question = { method: 'POST', body: JSON.stringify({ question: 'What is 1 + 1?' }) };
  const paid = await payments.fetch(`${paywall.url}/ask`, question);
  assert.equal(paid.spend.purchases.length, 1);
  const refused = await payments.fetch(`${paywall.url}/ask`, question, { policy: { maxCreditsPerRequest: 1 } }).catch((error) => error);
  assert.equal(refused.code, 'budget_exceeded');
  const answer = (method) => `Awaited<ReturnType<t.Payments${method}>>`;
  const given = {
    't.PaidResponse': paid,
    't.Offer[]': reported.offers, 't.PaymentEvent[]': reported.events, 't.Plan': reported.plan, 't.PlanBalance': reported.balance,
    "Omit<t.PaymentsError, keyof Error | 'toJSON'>": { ...refused },
    't.Quote': await payments.quote(`${paywall.url}/ask`, question),
    't.SpendTotals': payments.spend,
    't.NvmAPIResult': await payments.plans.orderPlan(planId),
    't.Agent': await payments.agents.getAgent(agentId),
    [answer("['agents']['getAgentPlans']")]: await payments.agents.getAgentPlans(agentId),
    [answer("['plans']['orderFiatPlan']")]: await payments.plans.orderFiatPlan(byCard),
    [answer("['delegation']['listDelegations']")]: await payments.delegation.listDelegations(),
    't.PaymentMethodSummary[]': await payments.delegation.listPaymentMethods(),
    't.PurchasingPower': await payments.delegation.getPurchasingPower(),
    't.X402PaymentRequired': await buildPaymentRequired(planId, { agentId, httpVerb: 'POST', description: 'd', mimeType: 'text/plain' }),
  };
  const lines = Object.entries(given).map(([type, value], index) => `export const given${index}: ${type} = ${literal(value)};`);
  const text = ["import type * as t from 'payments-wasm';", ...lines].join('\n');

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/node_modules`, { recursive: true });
  symlinkSync(dist('subscriber'), `${folder}/node_modules/payments-wasm`);
  writeFileSync(`${folder}/given.ts`, `${text}\n`);
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  const compilerOptions = { module: 'nodenext', target: 'es2022', lib: ['es2022', 'dom'], types: [], strict: true, exactOptionalPropertyTypes: true, noEmit: true };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ['given.ts'] }));
  const { code, output } = await run(process.execPath, [repoPath('node_modules/typescript/bin/tsc'), '-p', folder], { anyCode: true });
  assert.equal(code, 0, `${output}\n${text}`);
});
