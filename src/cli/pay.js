// Sends one request, and pays for it if the seller asks and the user agrees. The answer goes to stdout, everything about money to stderr.
import { readFileSync } from 'node:fs';
import { Payments } from '../node.js';
import { printable, priceOf } from './account.js';
import { agreed } from './ask.js';
import { account } from './profile.js';
import { count } from './terminal.js';
import { UsageError } from './usage-error.js';

export async function pay(url, { method, header = [], data, yes, 'max-credits': most, delegation, json, ...values }) {
  if (url === undefined) throw new UsageError('URL is missing');
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (!/^https?:$/.test(target?.protocol ?? '')) throw new UsageError('URL must be an http or https URL');
  if (most !== undefined && !/^\d{1,78}$/.test(most)) throw new UsageError('--max-credits is a whole number');
  if (yes && most === undefined) throw new UsageError('--yes needs --max-credits N: the most that this request may cost');
  const init = { method: method ?? (data === undefined ? 'GET' : 'POST'), headers: headersOf(header), ...(data !== undefined && { body: bodyOf(data) }) };
  const limit = most !== undefined && { maxCreditsPerRequest: BigInt(most) };
  const payments = Payments.getInstance({
    ...account(values), ...(delegation && { delegationConfig: { delegationId: delegation } }),
    // Where nobody is asked, what is held is spent, and nothing is bought.
    ...((limit || yes) && { policy: { ...limit, ...(yes && { purchase: false }) } }),
    async approve(offer, context) {
      // A redirect may have led elsewhere.
      const answer = yes ? offer.origin === target.origin && { approve: true } : await ask(offer, context);
      return answer && !delegation ? { ...answer, ...await onlyDelegation(payments, offer) } : answer;
    },
  });
  const { response, receipt, spend } = await payments.fetch(url, init);
  const paid = receipt && { credits: receipt.creditsRedeemed, transaction: receipt.transaction, remaining: receipt.remainingBalance, success: receipt.success };
  if (json) {
    const text = await response.text();
    console.log(JSON.stringify({ status: response.status, headers: Object.fromEntries(response.headers), body: parsed(text), receipt: paid ?? null, spend }, digits, 2));
  } else {
    for await (const part of response.body ?? []) if (!process.stdout.write(part)) await new Promise((ready) => process.stdout.once('drain', ready));
    console.error(paid ? said(paid) : 'Nothing was charged.');
  }
  if (!response.ok) {
    if (!json) console.error(`The answer has the status ${response.status}.`);
    process.exitCode = 1;
  }
}

/** The one delegation that can pay an offer. Among several, the user chooses. */
async function onlyDelegation(payments, { scheme }) {
  const { delegations } = await payments.delegation.listDelegations({ accessible: true });
  const found = delegations.filter(({ status, provider }) => /^active$/i.test(status) && (provider === 'erc4337') === (scheme === 'nvm:erc4337'));
  if (found.length > 1) throw new UsageError(`--delegation is missing, and this key has several: ${found.map(({ delegationId }) => delegationId).join(', ')}`);
  return found.length === 1 && { delegationId: found[0].delegationId };
}

const digits = (_, value) => (typeof value === 'bigint' ? String(value) : value);
const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const said = ({ credits, transaction, remaining, success }) => [
  success === false ? 'Not settled' : `Paid ${credits === undefined ? 'an unknown number of' : count(credits)} credits`,
  transaction && `transaction ${printable(transaction)}`, remaining !== undefined && `${count(remaining)} left`,
].filter(Boolean).join(', ');

/** Asks about one offer, and about a purchase where the credits do not suffice. */
async function ask(offer, context) {
  const [plan, { balance }] = await Promise.all([context.plan(), context.balance()]);
  const name = printable(plan.metadata?.main?.name) || offer.planId;
  const price = offer.credits === undefined ? 'credits, it does not say how many,' : `${count(offer.credits)} credits`;
  const again = offer.again ? ' It may have been paid before: this is once more.' : '';
  const purchase = balance < (offer.credits ?? 1n);
  const buys = purchase ? ` That is too little: the plan is bought for ${priceOf(plan)}.` : '';
  const question = `${offer.origin} wants ${price} of ${name}. You have ${count(balance)}.${buys}${again} Pay?`;
  return await agreed(question, '--yes --max-credits N') && { approve: true, ...(purchase && { purchase: true }) };
}

function headersOf(lines) {
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
    try {
      headers.append(name, value);
    } catch {
      throw new UsageError(`--header is "name: value", not ${printable(line)}`);
    }
    if (!name) throw new UsageError(`--header is "name: value", not ${printable(line)}`);
  }
  return headers;
}

/** A body: a text, or `@FILE`, or `@-` for the standard input. */
function bodyOf(data) {
  if (!data.startsWith('@')) return data;
  try {
    return readFileSync(data === '@-' ? 0 : data.slice(1));
  } catch (error) {
    throw new UsageError(`--data: ${data.slice(1)} cannot be read: ${error.message}`);
  }
}
