// Files of the package that are loaded when they are first needed.
import { problem } from './error.js';

let tries = 0;

/**
 * What an `import()` gives. Browsers remember for as long as the page lives that a module could not be had, so it is asked for once more, by another
 * address; bundlers with a loader of their own forget. `lazily.again` is an entry's own `import()`; those that import nothing later have none.
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
    ? 'Here nothing may be imported later: import from `payments-wasm/inline`.'
    : 'The script is gone from the server, or the connection broke. The next call tries again; after a deployment a reload helps.';
  return problem('wasm_load_failed', `a part of payments-wasm could not be loaded: ${cause?.message ?? cause}`, hint, { retryable: !forbidden, cause });
}
