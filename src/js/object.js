// Members of the objects that the core makes for its callers; one that is undefined is left out.

export function put(object, name, value) {
  if (value !== undefined) object[name] = value;
}

export function putBig(object, name, digits) {
  object[name] = BigInt(digits);
}
