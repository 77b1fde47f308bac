// The books of what was paid, and `fetch` for other clients.
import { problem } from './error.js';
import { lazily } from './lazy.js';
import { taken } from '../../http/taken.js';

/** The payment of each response that a wrapped `fetch` returned. */
const payments = new WeakMap();

export const paymentOf = (response) => payments.get(response);

/** `fetch` for other clients; see `wrap_fetch.js`. */
export function wrapFetch(client, fetch) {
  let wrapped;
  return async (input, init) => {
    const request = taken(input, init);
    const file = await lazily(() => import('./wrap_fetch.js'));
    wrapped ??= file.wrapFetch(client, fetch, payments);
    return wrapped(request);
  };
}

/** A quote in full; see `quote.js`. */
export async function described(quote, session) {
  const found = await quote;
  return (await lazily(() => import('./quote.js'))).described(found, session);
}

const HEAD = 'at,method,url,origin,planId,scheme,network,outcome,creditsPresented,creditsSettled,transaction,currency,amount';

/** The books as text: `json`, or `csv`. Before the core is there they are empty. */
export function exportReceipts({ spend: { receipts }, live }, format = 'json') {
  if (format === 'json') return JSON.stringify(receipts, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2);
  if (format === 'csv') return `${HEAD}\r\n${live?.lines(receipts, HEAD) ?? ''}`;
  throw problem('validation', "format must be 'json' or 'csv'");
}
