// Texts between JavaScript and the core: the fields that go in (`bindings/subscriber/fields.rs`), and the values that come out.
import { paymentsError } from './error.js';
import { printable } from './object.js';

/** The members that are credits, and so a `bigint` in JavaScript. */
const CREDITS = new Set(['amount', 'credits', 'creditsPresented', 'creditsSettled', 'creditsRedeemed', 'remainingBalance', 'inLastHour', 'inLastDay', 'purchases']);

/** Values of the core as callers see them: credits as `bigint`, times as `Date`. */
export function toPublic(value, name) {
  if (typeof value === 'string') return CREDITS.has(name) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return name === 'at' ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((one) => toPublic(one));
  for (const [member, one] of Object.entries(value)) value[member] = toPublic(one, member);
  return printable(value);
}

/** A text of the caller's, in which no separator stands. */
export const clean = (text) => (text === undefined ? '' : String(text).replace(/[\0\n]/g, '\ufffd'));
export const value = (text) => (text === undefined ? '' : `=${text}`);
export const flag = (is) => (is === undefined ? '' : is ? 1 : 0);
export const list = (texts = []) => texts.map(clean).join('\n');
export const url = (place) => (place ? [place.url, place.origin, place.path] : ['', '', '']);
export const delegation = ({ delegationId, apiKeyId } = {}) => [delegationId, apiKeyId].map((id) => (id === undefined ? '' : `=${clean(id)}`));
export const answer = (given) => (given ? [given.status, value(given.correlation), value(given.text)] : []);

export function policy(given) {
  if (!given) return [''];
  return [
    1, given.maxCreditsPerRequest, given.maxCreditsPerHour, given.maxCreditsPerDay, given.maxCreditsTotal,
    list(given.plans), list(given.origins), list(given.networks), list(given.schemes), flag(given.purchase),
    given.maxPurchasesPerHour, given.maxPurchasesPerDay, given.maxPurchasesTotal,
    given.maxPrice?.amount, clean(given.maxPrice?.currency), flag(given.count === 'price'),
    given.maxAmounts?.length ?? 0, ...(given.maxAmounts ?? []).flatMap(({ currency, perRequest, perHour, perDay, total }) => [currency, perRequest, perHour, perDay, total]),
  ];
}

/** The error of those facts. */
export const failure = ({ kind, message, ...facts }, more) => paymentsError(message, kind, { ...facts, ...more });
