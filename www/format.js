// Numbers, money, addresses and networks as a person reads them.

export const credits = (n) => `${count(n)} ${BigInt(n) === 1n ? "credit" : "credits"}`;

export const count = (n) => BigInt(n).toLocaleString("en-US");

/** Keeps the ends of a long hexadecimal or decimal number: `0x12ab…90ef`. */
export function short(text, head = 6, tail = 4) {
  const value = String(text ?? "");
  return value.length > head + tail + 1 ? `${value.slice(0, head)}…${value.slice(-tail)}` : value;
}

export function cents(amount, currency = "USD") {
  return new Intl.NumberFormat("en-US", { style: "currency", currency: MONEY[currency.toUpperCase()] ?? "USD" }).format(Number(amount) / 100);
}

export function milliseconds(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function network(id) {
  const known = NETWORKS[id];
  return known ? { name: known, id } : { name: id, id: "" };
}

/**
 * The price and credits of a plan, as far as its registration states them: prices are in millionths of the currency,
 * and a plan without amounts is free.
 */
export function terms(plan) {
  const price = plan?.registry?.price ?? {};
  const amounts = Array.isArray(price.amounts) ? price.amounts : [];
  const micro = amounts.reduce((sum, amount) => sum + BigInt(amount), 0n);
  const granted = plan?.registry?.credits?.amount ?? plan?.registry?.creditsConfig?.amount;
  const currency = price.currency ?? "USD";
  return {
    name: plan?.metadata?.main?.name ?? "Unnamed plan",
    cents: Number(micro / 10_000n),
    price: micro === 0n ? "free" : cents(Number(micro / 10_000n), currency),
    currency,
    granted: granted === undefined ? undefined : BigInt(granted),
  };
}

const MONEY = { USD: "USD", USDC: "USD", EUR: "EUR", EURC: "EUR" };
const NETWORKS = {
  "eip155:84532": "Base Sepolia",
  "eip155:8453": "Base",
  stripe: "Card, by Stripe",
  braintree: "Card, by Braintree",
  visa: "Card, by Visa",
};
