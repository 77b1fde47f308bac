// The value that an `approve` callback gets, and the request that the code which runs now is asked about.
import { builtin } from './builtin.js';

/** Asks `approve`, which may look at the plan and the balance before it answers. */
export function ask(approve, offer, plans, planId, kept) {
  const context = { signal: kept.open(), plan: () => plans.ask('getPlan', [planId]), balance: () => plans.getPlanBalance(planId) };
  return asking.run(kept, () => approve(offer, context));
}

/** The request that somebody is being asked about by the code that runs now, if it is asked from there. */
export const asked = () => asking.getStore();

/** Detects an `approve` callback that waits for its own fetch. Runtimes with async context show it precisely; elsewhere
 * only while `approve` awaits nothing. */
class Asking {
  run(kept, work) {
    const was = this.kept;
    this.kept = kept;
    try {
      return work();
    } finally {
      this.kept = was;
    }
  }

  getStore() { return this.kept; }
}

const asking = new (globalThis.AsyncLocalStorage ?? builtin('node:async_hooks')?.AsyncLocalStorage ?? Asking)();
