// Members of the objects that the core makes for its callers.

export function put(object, name, value) {
  object[name] = value;
}

export function putBig(object, name, digits) {
  object[name] = BigInt(digits);
}
