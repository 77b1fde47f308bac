// Terms as data that a UI can show. A file of its own, loaded with the first quote.
import { printable } from './object.js';

/** A quote whose offers also say what the platform says of their plans, what is held, and whether they can be paid now. */
export async function described(quote, session) {
  const offers = await Promise.all(quote.offers.map(async (offer) => {
    // A wallet pays an amount: the platform says nothing of it.
    if (offer.amount !== undefined) return known({ ...offer, payable: 'now' });
    // Facts that cannot be read now are left out: the offer remains valid.
    const unknown = () => undefined;
    const [plan, balance] = await Promise.all([
      session.ask('getPlan', [offer.planId]).catch(unknown),
      session.loggedIn ? session.getPlanBalance(offer.planId).catch(unknown) : undefined,
    ]);
    return describe(offer, plan, balance?.balance, session.loggedIn);
  }));
  return { ...quote, offers };
}

function describe(offer, plan, held, loggedIn) {
  const registry = plan?.registry;
  const price = registry?.price;
  const needed = offer.credits ?? 1n;
  return known({
    ...offer,
    planName: plan?.metadata?.main?.name,
    price: price && known({
      // In millionths of the currency (contract section 5).
      amount: (price.amounts ?? []).reduce((sum, amount) => sum + BigInt(amount), 0n),
      currency: price.currency ?? (price.isCrypto === false ? 'USD' : undefined),
      isCrypto: price.isCrypto !== false,
      tokenAddress: price.tokenAddress,
    }),
    planCredits: registry?.credits?.amount === undefined ? undefined : BigInt(registry.credits.amount),
    planSeconds: Number(registry?.credits?.durationSecs) || undefined,
    balance: held,
    payable: loggedIn ? (held >= needed ? 'now' : 'after-purchase') : 'after-login',
  });
}

/** Without what could not be learned. */
const known = (members) => printable(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)));
