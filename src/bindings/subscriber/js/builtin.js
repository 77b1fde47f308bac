// What Node, Deno and Bun have beyond the web. Asked for by name at run time, it is no import that a bundler for pages would stumble over.

/** A built-in module, or undefined where there is none: the edge runtime of Next.js has a `process`, and throws. */
export function builtin(name) {
  try {
    return globalThis.process?.getBuiltinModule?.(name);
  } catch {
    return undefined;
  }
}
