// Members that a price and the server behind a gate could read as one another (rule 20).

/** How deep a call may be that is looked into. */
const MOST = 100;

const plain = (name) => name.normalize('NFKC').toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** True for a value with an object in it that has two members of one name, but for case and punctuation, or members by its prototype; also for one that is too deep. */
export function hasLookAlikes(value, depth = 0) {
  if (typeof value !== 'object' || value === null) return false;
  if (depth > MOST) return true;
  if (Array.isArray(value)) return value.some((one) => hasLookAlikes(one, depth + 1));
  const names = Object.keys(value);
  return names.includes('__proto__') || new Set(names.map(plain)).size < names.length || Object.values(value).some((one) => hasLookAlikes(one, depth + 1));
}
