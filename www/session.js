// Data that this tab keeps until it is closed. The API key is not here; the package stores it.

const PREFIX = "payments-wasm.demo.";

/** A question that was being asked when the login took the page away. */
export const pending = slot("pending");

/** The spending delegation made here: `{ account, delegationId, limitCents, expiresAt }`. */
const delegations = slot("delegation");

/** The spending delegation of this account, unless it has run out. */
export function delegation(account) {
  const held = delegations.get();
  return held && held.account === account && held.expiresAt > Date.now() ? held : undefined;
}

export const keepDelegation = delegations.set;
export const dropDelegation = delegations.clear;

const tallies = slot("tally");

/** The running tally of an account: credits as a decimal string, money in cents. */
export function tally(account) {
  const held = tallies.get();
  return held?.account === account ? held : { account, credits: "0", cents: 0, questions: 0 };
}

export function addToTally(account, { credits = 0n, cents = 0 }) {
  const held = tally(account);
  const next = { ...held, credits: String(BigInt(held.credits) + credits), cents: held.cents + cents, questions: held.questions + 1 };
  tallies.set(next);
  return next;
}

export function forgetAll() {
  for (const one of [pending, delegations, tallies]) one.clear();
}

function slot(name) {
  const key = PREFIX + name;
  return {
    get() {
      try {
        return JSON.parse(sessionStorage.getItem(key)) ?? undefined;
      } catch {
        return undefined;
      }
    },
    set: (value) => sessionStorage.setItem(key, JSON.stringify(value)),
    clear: () => sessionStorage.removeItem(key),
  };
}
