// The schemes and networks that the facilitators of a gate settle: `GET /supported`, asked when an offer is first made, and kept.

/** For how long an answer is kept, and for how long a facilitator that did not answer is left alone, in milliseconds. */
const FRESH = 300_000;
const PAUSE = 5_000;
/** How long the first offer waits for it, in milliseconds. */
const PATIENCE = 3_000;

/**
 * A function that gives the names of terms that their facilitator says it does not settle. One that does not answer is believed to
 * settle them: a payment is verified before anything is delivered.
 */
export function supported({ facilitators }, { headersOf }) {
  const known = new Map();
  const said = new Set();

  async function load(url) {
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      const headers = { accept: 'application/json', ...await headersOf?.(url, 'supported') };
      const response = await fetch(`${url}/supported`, { headers, redirect: 'manual', signal });
      const { kinds } = response.ok ? await response.json() : {};
      if (Array.isArray(kinds)) return { kinds, until: Date.now() + FRESH };
    } catch (error) {
      console.error(`facilitator: ${url}/supported: ${error?.message ?? error}`);
    }
    return { kinds: known.get(url)?.kinds, until: Date.now() + PAUSE };
  }

  const settles = (kinds, network) => kinds.some((kind) => kind?.scheme === 'exact' && kind.x402Version === 2
    && (kind.network === network || kind.network === `${network.split(':')[0]}:*`));

  return async ({ behind }) => {
    for (const url of new Set(facilitators.map(([, , url]) => url))) {
      const one = known.get(url);
      if (one && (one.until > Date.now() || one.asking)) continue;
      const asking = load(url).then((found) => { known.set(url, found); });
      known.set(url, { ...one, until: Date.now() + PATIENCE, asking: true });
      // The last answer serves while it is asked again.
      if (one?.kinds) behind(asking);
      else await asking;
    }
    return facilitators.filter(([plan, network, url]) => {
      const { kinds } = known.get(url) ?? {};
      if (!kinds || settles(kinds, network)) return false;
      if (!said.has(plan)) console.error(`facilitator: ${url} does not settle exact on ${network}: it is not offered`);
      said.add(plan);
      return true;
    }).map(([plan]) => plan);
  };
}
