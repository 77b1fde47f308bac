// What a person or a page is shown: terms as data, and the books of what was paid.

/** `fetch` for other clients: pays if need be, gives the response alone. */
export const wrapFetch = (payments, fetch) => async (input, init) => (await payments.fetch(input, init, { fetch })).response;

/** A quote whose offers also say what the platform says of their plans, what is held, and whether they can be paid now. */
export async function described(quote, core) {
  const offers = await Promise.all(quote.offers.map(async (offer) => {
    // What cannot be learned now is left out: the offer stands all the same.
    const unknown = () => undefined;
    const [plan, balance] = await Promise.all([
      core.ask('getPlan', [offer.planId]).catch(unknown),
      core.loggedIn ? core.getPlanBalance(offer.planId).catch(unknown) : undefined,
    ]);
    return describe(offer, plan, balance?.balance, core.loggedIn);
  }));
  return { ...quote, offers };
}

function describe(offer, plan, held, loggedIn) {
  const registry = plan?.registry;
  const price = registry?.price;
  const needed = offer.credits ?? 1n;
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
    planSeconds: Number(registry?.credits?.durationSecs) || undefined,
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
