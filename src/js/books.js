// What a person or a page is shown: terms as data, and the books of what was paid.

/** `fetch` for other clients: pays if need be, gives the response alone. */
export const wrapFetch = (payments, fetch) => async (input, init) => (await payments.fetch(input, init, { fetch })).response;

/** An offer with what the platform says of its plan and of what is held, and whether it can be paid now. */
export function describe(offer, plan, balance, loggedIn) {
  const registry = plan?.registry;
  const price = registry?.price;
  const needed = offer.credits ?? 1n;
  const held = balance?.balance;
  return {
    ...offer,
    planName: plan?.metadata?.main?.name,
    price: price && {
      // In millionths of the currency (contract section 5).
      amount: (price.amounts ?? []).reduce((sum, amount) => sum + BigInt(amount), 0n),
      currency: price.currency ?? (price.isCrypto === false ? 'USD' : undefined),
      isCrypto: price.isCrypto !== false,
      tokenAddress: price.tokenAddress,
    },
    planCredits: registry?.credits?.amount === undefined ? undefined : BigInt(registry.credits.amount),
    balance: held,
    payable: loggedIn ? (held >= needed ? 'now' : 'after-purchase') : 'after-login',
  };
}

const COLUMNS = ['at', 'method', 'url', 'origin', 'planId', 'scheme', 'network', 'outcome', 'creditsPresented',
  'creditsSettled', 'transaction'];

/** The books as text: `json`, or `csv` by RFC 4180. */
export function exportReceipts(receipts, format) {
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
