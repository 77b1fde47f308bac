// Words, numbers and elements.

export const data = JSON.parse(document.getElementById('data').textContent);
export const find = (id) => document.getElementById(id);

/** A text by its name, `{places}` filled. */
export const say = (name, places = {}) => (data.texts[name] ?? '').replace(/\{(\w+)\}/g, (all, place) => places[place] ?? all);

/** Puts a text there; an empty one hides it. */
export function tell(id, text = '') {
  const element = find(id);
  element.textContent = text;
  element.hidden = !text;
  return element;
}

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const number = (value) => value.toLocaleString(data.lang);
export const credits = (count) => say(count === 1n ? 'credits_one' : 'credits_many', { count: number(count) });

/** So many seconds, in the largest unit that says them without a rest. */
export function time(seconds) {
  const [unit, size] = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]].find(([, size]) => seconds % size === 0);
  return new Intl.NumberFormat(data.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / size);
}

/** Millionths of a currency. Cents, and more places only where there is more. */
export function money({ amount, currency, isCrypto }) {
  const code = /^[A-Z]{3}$/i.test(currency ?? '') ? currency.toUpperCase() : undefined;
  const value = Number(amount) / 1e6;
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 6 };
  if (code && !isCrypto) return new Intl.NumberFormat(data.lang, { style: 'currency', currency: code, ...digits }).format(value);
  const coin = currency && !currency.startsWith('0x') ? currency : code ?? (isCrypto ? 'USDC' : '');
  return `${new Intl.NumberFormat(data.lang, digits).format(value)} ${coin}`.trim();
}

export const short = (text = '') => (text.length > 16 ? `${text.slice(0, 6)}…${text.slice(-4)}` : text);
