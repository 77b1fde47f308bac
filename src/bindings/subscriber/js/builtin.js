// Built-in modules of Node, Deno and Bun. They are loaded by name at run time, because a bundler for pages would fail
// on an import.

/** A built-in module, or undefined where there is none: the edge runtime of Next.js has a `process`, and throws. */
export function builtin(name) {
  try {
    return globalThis.process?.getBuiltinModule?.(name);
  } catch {
    return undefined;
  }
}
