// Members of the objects that the core makes for its callers; one that is undefined is left out.

/** As JSON has it: a `bigint` is its digits. */
export const plain = (object) => Object.fromEntries(
  Object.entries(object).map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]),
);

/** The object, which `JSON.stringify` takes although there are `bigint`s in it. */
export function printable(object) {
  // Not to be listed, copied or compared: it is no member of what the object says.
  return Object.defineProperty(object, 'toJSON', { value: toJSON, configurable: true, writable: true });
}

function toJSON() {
  return plain(this);
}
