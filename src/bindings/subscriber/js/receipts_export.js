// The books of what was paid, and `fetch` for other clients.
import { problem } from './error.js';
import { lazily } from './lazy.js';

/** The payment of each response that a wrapped `fetch` returned. */
const payments = new WeakMap();

export const paymentOf = (response) => payments.get(response);

/** `fetch` for other clients; see `wrap_fetch.js`. */
export function wrapFetch(client, fetch) {
  let wrapped;
  return async (input, init) => {
    const file = await lazily(() => import('./wrap_fetch.js'));
    wrapped ??= file.wrapFetch(client, fetch, payments);
    return wrapped(input, init);
  };
}

/** A quote in full; see `quote.js`. */
export async function described(quote, session) {
  const found = await quote;
  return (await lazily(() => import('./quote.js'))).described(found, session);
}

const COLUMNS = ['at', 'method', 'url', 'origin', 'planId', 'scheme', 'network', 'outcome', 'creditsPresented',
  'creditsSettled', 'transaction', 'currency', 'amount'];

/** The books as text: `json`, or `csv` by RFC 4180. */
export function exportReceipts({ receipts }, format = 'json') {
  if (format !== 'json' && format !== 'csv') {
    throw problem('validation', "format must be 'json' or 'csv'");
  }
  if (format === 'json') return JSON.stringify(receipts, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2);
  const cell = (value = '') => {
    const text = value instanceof Date ? value.toISOString() : String(value);
    // A spreadsheet takes a text that begins like this for a formula; a seller chose the URL.
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [COLUMNS, ...receipts.map((receipt) => COLUMNS.map((column) => receipt[column]))];
  return lines.map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n';
}
