// The address bar, and addresses to come back to.
import { parse } from '../../http/taken.js';

/** Reads query parameters out of the address bar and takes them away, keeping all others and the hash. */
export function takeFromAddress(words) {
  const { location, history } = globalThis;
  if (!location?.href || !history) return undefined;
  const url = new URL(location.href);
  const names = words.split(' ').filter((name) => url.searchParams.has(name));
  const values = Object.fromEntries(names.map((name) => [name, url.searchParams.get(name)]));
  if (names.length > 0) history.replaceState(history.state, '', without(url, names));
  return values;
}

/** A URL for a person to come back to: absolute, http or https, without the named parameters; of `own` origin, if need be. */
export function returnAddress(text, words, own) {
  const url = parse(text, location.href);
  return url && /^https?:$/.test(url.protocol) && !(own && url.origin !== location.origin) ? without(url, words.split(' ')) : undefined;
}

/** The address without query parameters of these names. */
export function without(url, names) {
  names.forEach((name) => url.searchParams.delete(name));
  return url.href;
}
