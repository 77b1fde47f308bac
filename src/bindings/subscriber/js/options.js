// Reads what callers give: each member once, own members only, at every depth. What is not known is refused by name, and
// what is handed on is a fresh object that nobody else holds. The shapes are those of `options.json`.
import { hints, problem } from './error.js';
import { open, required, shapes } from '../../../options.json';

/** Adds the shapes and hints of a file that is loaded later. */
export function know(more) {
  Object.assign(shapes, more.shapes);
  Object.assign(required, more.required);
  Object.assign(hints, more.hints);
  open.push(...more.open ?? []);
}

/** The kinds of values, in words, and their conversion for the core; `undefined` for a value that is not allowed. */
const KINDS = {
  version: ["a version of the API: '1.1'", (value) => (typeof value === 'string' && /^\d+\.\d+$/.test(value) ? value : undefined)],
  text: ['a string', (value) => (typeof value === 'string' ? value : undefined)],
  organization: ['an id', (value) => (typeof value === 'string' && /^[\w:-]{1,128}$/.test(value) ? value : undefined)],
  any: ['anything', (value) => value],
  flag: ['true or false', (value) => (typeof value === 'boolean' ? value : undefined)],
  function: ['a function', (value) => (typeof value === 'function' ? value : undefined)],
  approve: ['a function', (value) => (typeof value === 'function' ? async (...given) => answer(await value(...given)) : undefined)],
  whole: ['a whole number', (value) => (Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32 ? value : undefined)],
  // A timer counts in 31 bits, and what is more is no time at all.
  milliseconds: ['a whole number of milliseconds above zero', (value) => (Number.isInteger(value) && value > 0 ? Math.min(value, 2 ** 31 - 1) : undefined)],
  credits: ['a whole number of credits: a bigint, a decimal string or a number', digits],
  texts: ['an array of strings', (value) => list(value, (one) => (typeof one === 'string' ? one : undefined))],
  textsOrNull: ['an array of strings, or null', (value) => (value === null ? null : list(value, (one) => (typeof one === 'string' ? one : undefined)))],
  origins: ["an array of origins, as 'https://api.example', or ['*']", (value) => list(value, (one) => (one === '*' ? one : origin(one)))],
  place: ['an https URL, or an http URL of this machine', place],
  web: ['an http or https URL', (value) => (typeof value === 'string' && /^https?:\/\/./.test(value) ? value : undefined)],
  signal: ['an AbortSignal', (value) => (typeof value?.aborted === 'boolean' && typeof value.addEventListener === 'function' ? value : undefined)],
  wallet: ['an EIP-1193 provider, or an object with address and signTypedData', (value) => (['request', 'signTypedData', 'signSolanaPayment'].some((name) => typeof value?.[name] === 'function') ? value : undefined)],
  amountLimits: ['an array of limits', (value) => list(value, amountLimit)],
  // No fetch has the number zero: what names no payment is no reason to pay anew.
  resume: ['the error or the result of an earlier fetch', (value) => (typeof value === 'object' ? value.spend?.payment ?? 0 : undefined)],
};

/** The options of a call by the name of their shape; an empty object where there are none. */
export function read(shape, value, path = 'options', outer = '') {
  const members = shapes[shape];
  const found = Object.create(null);
  const given = value ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) throw wrong(path, 'an object');
  for (const name of Object.getOwnPropertyNames(given)) {
    const field = outer + name;
    const known = Object.hasOwn(members, name);
    if (!known) refuse(field, outer, name, Object.keys(members), open.includes(shape));
    const member = given[name];
    if (member !== undefined && (member !== null || members[name] === 'textsOrNull')) found[name] = known ? one(members[name], member, field) : member;
  }
  for (const [name, hint] of Object.entries(required[shape] ?? {})) {
    if (found[name] === undefined) throw missing(outer + name, hint);
  }
  return found;
}

function one(kind, value, field) {
  if (Array.isArray(kind)) {
    if (kind.includes(value)) return value;
    const names = kind.map((name) => (typeof name === 'string' ? `'${name}'` : name));
    throw wrong(field, `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`);
  }
  if (!Object.hasOwn(KINDS, kind)) return read(kind, value, field, `${field}.`);
  const [what, accept] = KINDS[kind];
  const accepted = accept(value);
  if (accepted === undefined) throw wrong(field, what);
  return accepted;
}

export const wrong = (field, what) => problem('validation', `${field} must be ${what}`);

export const missing = (field, hint) => problem('validation', `${field} is missing`, hint);

/** A member that is not known; where others may be, only one that was meant to be a known one is refused. */
export function refuse(field, outer, name, names, others) {
  const meant = near(name, names);
  if (others && !meant) return;
  throw problem('validation', `${field} is not an option${meant ? `; did you mean ${meant}?` : ''}`,
    `${outer ? `the members of ${outer.slice(0, -1)}` : 'the options'} are ${names.join(', ')}`);
}

/** The answer of an `approve` callback: yes or no, or an object with details. Anything else means no. */
const answer = (value) => (typeof value === 'object' && value ? read('ApprovalAnswer', value, 'the answer of approve', 'approval.') : value === true);

/** The name that was meant, if one is near. */
export function near(name, names) {
  const [best] = names.map((other) => [distance(name.toLowerCase(), other.toLowerCase()), other]).sort(([one], [other]) => one - other);
  return best && best[0] <= Math.max(2, name.length / 3) && best[0] < name.length ? best[1] : undefined;
}

/** How many letters have to be put in, taken out or exchanged. */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 0; i < from.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) next.push(Math.min(row[j + 1] + 1, next[j] + 1, row[j] + (from[i] === to[j] ? 0 : 1)));
    row = next;
  }
  return row[to.length];
}

/** Whole credits as decimal digits. */
export function digits(value) {
  const text = typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && /^\d{1,78}$/.test(text) && BigInt(text) < 1n << 256n ? text : undefined;
}

/** A limit on amounts: decimal numbers of the asset become atomic units, and chain and asset the name of the currency. */
function amountLimit(value) {
  const { network, asset, decimals, ...limits } = read('AmountLimit', value, 'policy.maxAmounts', 'policy.maxAmounts.');
  const found = { currency: `${network}:${network.startsWith('eip155:') ? asset.toLowerCase() : asset}`.replace(/[^\w:-]/g, '_') };
  for (const [name, limit] of Object.entries(limits)) {
    const [, whole, part = ''] = /^(\d{1,60})(?:\.(\d{1,18}))?$/.exec(limit) ?? [];
    if (whole === undefined || part.length > decimals) throw wrong(`policy.maxAmounts.${name}`, `a decimal number as a string, with at most ${decimals} places`);
    found[name] = String(BigInt(whole + part.padEnd(decimals, '0')));
  }
  return found;
}

/** A copy of a list, each entry read once and accepted. */
function list(value, accept) {
  if (!Array.isArray(value)) return undefined;
  const copy = Array.from({ length: value.length }, (_, at) => accept(value[at]));
  return copy.includes(undefined) ? undefined : copy;
}

const parse = (text) => {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
};

/** An origin as the core compares it: in small letters, without the dot that may end a host's name. */
export function origin(text) {
  const url = typeof text === 'string' && parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return `${url.protocol}//${hostOf(url)}`;
}

const hostOf = ({ hostname, port }) => hostname.replace(/\.$/, '') + (port && `:${port}`);

/** Where a key may go: HTTPS, or HTTP on this machine; a path may come before that of the API. */
function place(text) {
  const url = typeof text === 'string' && parse(text);
  if (!url || url.username || url.password || /[?#\\@\s]/.test(text)) return undefined;
  const host = hostOf(url);
  const own = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && own)) return undefined;
  return `${url.protocol}//${host}${url.pathname.replace(/\/+$/, '')}`;
}
