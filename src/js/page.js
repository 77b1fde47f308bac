// The page's part: address bar, storage, the way elsewhere; and what an `approve` callback is given.

/** Reads query parameters out of the address bar and takes them away, keeping all others and the hash. */
export function takeFromAddress(names) {
  const { location, history } = globalThis;
  if (!location?.href || !history) return undefined;
  const url = new URL(location.href);
  const values = names.map((name) => url.searchParams.get(name) ?? undefined);
  if (values.some((value) => value !== undefined)) history.replaceState(history.state, '', without(url, names));
  return values;
}

/** A URL for a person to come back to: absolute, http or https, without the named parameters. */
export function returnAddress(text, names) {
  const url = parse(text, location.href);
  return url && /^https?:$/.test(url.protocol) ? without(url, names) : undefined;
}

/** What is kept under a name in `sessionStorage` or `localStorage`; with a value, keeps it; with null, forgets it. */
export function kept(storage, name, value) {
  try {
    if (value === undefined) return globalThis[storage].getItem(name) ?? undefined;
    if (value === null) globalThis[storage].removeItem(name);
    else globalThis[storage].setItem(name, value);
    return value;
  } catch {
    // Forbidden or full.
    return undefined;
  }
}

export function leaveFor(url) {
  location.assign(url);
}

function without(url, names) {
  names.forEach((name) => url.searchParams.delete(name));
  return url.href;
}

/** What an `approve` callback may look at before it answers. */
export function consentContext(plans, planId, signal) {
  return { signal, plan: () => plans.getPlan(planId), balance: () => plans.getPlanBalance(planId) };
}

function parse(url, base) {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}
