// Numbers, money and times for display.

const MONEY = { usd: 'USD', usdc: 'USD', eur: 'EUR', eurc: 'EUR' };

export const number = (value) => {
  try {
    return BigInt(value).toLocaleString('en-US');
  } catch {
    return String(value ?? '');
  }
};

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${String(count) === '1' ? one : many}`;
export const credits = (amount) => plural(amount, 'credit');

/** Cents of a currency: $12.50. */
export const cents = (amount, currency = 'usd') => micro(BigInt(amount ?? 0) * 10_000n, currency);

/** Millionths of a currency: $12.50, $0.000001. */
export function micro(amount, currency = 'usd') {
  const value = BigInt(amount);
  const rest = (value % 1_000_000n).toString().padStart(6, '0').replace(/0{1,4}$/, '');
  const text = `${(value / 1_000_000n).toLocaleString('en-US')}.${rest}`;
  const sign = { USD: '$', EUR: '€' }[MONEY[String(currency).toLowerCase()]];
  return sign ? sign + text : `${text} ${currency}`;
}

/** An ISO time as 2026-11-20 10:00:05 UTC, without T, Z and milliseconds. */
export const moment = (iso) => (iso ? `${iso.slice(0, 10)} ${iso.slice(11, 19)}` : '');
export const clockTime = (iso) => iso.slice(11, 19);

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]];

/** A duration in its two largest units: 2 days 3 hours. */
export function lasting(seconds) {
  let rest = Math.round(Math.abs(seconds));
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(plural(count, unit));
    rest -= count * size;
  }
  return parts.slice(0, 2).join(' ') || '0 seconds';
}

/** A time relative to another: in 3 hours, 2 days ago. */
export function relative(iso, now) {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (seconds > 86_400 * 365 * 20) return 'no end';
  return seconds >= 0 ? `in ${lasting(seconds)}` : `${lasting(seconds)} ago`;
}

/** The price and credits of a plan, from the API's plan object. */
export function terms(plan) {
  const { price = {}, credits: grant = {} } = plan.registry ?? {};
  const total = (price.amounts ?? []).reduce((sum, amount) => sum + BigInt(amount), 0n);
  const time = plan.metadata?.plan?.accessLimit === 'time';
  const { amount = '0', minAmount, maxAmount, durationSecs = 0, isRedemptionAmountFixed: fixed } = grant;
  const each = fixed || minAmount === maxAmount ? `${number(minAmount)} a call` : `${number(minAmount)} to ${number(maxAmount)} a call`;
  return {
    name: plan.name || plan.metadata?.main?.name || 'Unnamed',
    trial: plan.metadata?.plan?.isTrialPlan === true,
    card: price.isCrypto === false,
    price: total === 0n ? 'free' : micro(total, price.currency ?? 'usd'),
    brings: time ? (Number(durationSecs) > 0 ? lasting(Number(durationSecs)) : 'access without end') : credits(amount),
    rules: time ? 'while it lasts' : each + (Number(durationSecs) > 0 ? `, kept for ${lasting(Number(durationSecs))}` : ''),
  };
}
