// Files of the package that are loaded when they are first needed.
import { problem } from './error.js';

let tries = 0;

/**
 * The result of an `import()`. Browsers remember a failed module for the lifetime of the page, so a retry uses another
 * address; bundlers with their own loader forget failures. `lazily.again` is an entry's own `import()`; entries that
 * import nothing later have none. Its other members are an entry's too: `lazily.account`, `lazily.seller` and `lazily.sellerWasm` load those files, and
 * `lazily.variables` gives addresses that stand in variables of the process.
 */
export async function lazily(load) {
  try {
    return await load();
  } catch (error) {
    const [, url] = /dynamically imported module: (https?:\S+)/.exec(error?.message) ?? [];
    try {
      if (url && lazily.again) return await lazily.again(`${url}${url.includes('?') ? '&' : '?'}again=${++tries}`);
    } catch { /* The first error says what is wrong. */ }
    throw unloaded(error);
  }
}

function unloaded(cause) {
  const forbidden = /ServiceWorkerGlobalScope|import\(\) is (disallowed|not allowed)/i.test(cause?.message);
  const hint = forbidden
    ? 'Here, import from `payments-wasm/inline`.'
    : 'Call again; a reload may help.';
  return problem('wasm_load_failed', `a part of payments-wasm could not be loaded: ${cause?.message ?? cause}`, hint, { retryable: !forbidden, cause });
}

/** A part of a file of its own. Its methods are called once the file is there, in their order; those of `atOnce` return at once. */
export function part(load, make) {
  let made;
  const there = () => (made ??= lazily(load).then(make).catch((error) => {
    made = undefined;
    throw error;
  }));
  const call = async (name, given) => {
    const part = await there();
    if (typeof part[name] !== 'function') throw problem('validation', `no method ${name}`);
    return part[name](...given);
  };
  /** A function that is there at once and loads what it stands for with its first call. */
  const soon = (name) => (...given) => {
    let handler;
    return async (...more) => (await (handler ??= call(name, given).catch((error) => {
      handler = undefined;
      throw error;
    })))(...more);
  };
  const withPaywall = soon('withPaywall');
  /** As `Mcp.attach`: a server of the official SDK wants its handlers before it connects. */
  const attach = (server) => {
    const register = (kind, before) => (name, ...given) => server[`register${kind}`](
      name, ...given.slice(0, before), withPaywall(given[before], { kind: kind.toLowerCase(), name, ...given[before + 1] }),
    );
    return { registerTool: register('Tool', 1), registerResource: register('Resource', 2), registerPrompt: register('Prompt', 1) };
  };
  const atOnce = { handler: soon('handler'), withPaywall, attach };
  return new Proxy({}, {
    get(_, name) {
      if (typeof name === 'symbol' || name === 'then' || name === 'toJSON') return undefined;
      return atOnce[name] ?? ((...given) => call(name, given));
    },
  });
}

/** The `load` of an entry: `make` gives it once the files are there. After a failure the next call tries again. */
export function starter(make) {
  let made;
  return async (source) => (await (made ??= make().catch((error) => {
    made = undefined;
    throw error;
  })))(source);
}
