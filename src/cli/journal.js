// Prints the journal of a running gate: deliveries that are not paid, or not known to be.
import { UsageError } from './usage-error.js';

const PATH = '/.well-known/payments/journal';

export async function journal({ url, token = process.env.METRICS_TOKEN, payer, json }) {
  if (!url) throw new UsageError('--url is missing');
  if (!token) throw new UsageError('--token is missing: it is the METRICS_TOKEN of the paywall');
  let count = 0;
  for (let after; ;) {
    const page = await read(url, token, { payer, after });
    for (const entry of page.entries) console.log(json ? JSON.stringify(entry) : line(entry));
    count += page.entries.length;
    if (!page.next) break;
    after = page.next;
  }
  if (count === 0 && !json) console.log('The journal is empty.');
}

async function read(url, token, asked) {
  const target = address(url);
  for (const [name, value] of Object.entries(asked)) if (value) target.searchParams.set(name, value);
  let answer;
  try {
    answer = await fetch(target, { headers: { authorization: `Bearer ${token}` }, redirect: 'error', signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    throw new UsageError(`--url: ${target.origin} cannot be reached: ${error.cause?.message ?? error.message}`);
  }
  const found = await answer.json().catch(() => undefined);
  if (answer.status === 401) throw new UsageError('--token is not the METRICS_TOKEN of this paywall');
  if (answer.ok && Array.isArray(found?.entries)) return found;
  if (answer.status === 404 && found?.code !== 'journal_unavailable') throw new UsageError(`--url: no journal there; is METRICS_TOKEN set at ${target.origin}?`);
  throw new UsageError(`--url: ${target.origin} answered ${answer.status}${found?.message ? `: ${found.message}` : ''}`);
}

function address(url) {
  try {
    const { protocol, origin, pathname } = new URL(url);
    if (protocol === 'http:' || protocol === 'https:') return new URL(origin + pathname.replace(/\/$/, '') + PATH);
  } catch {
    // Said below.
  }
  throw new UsageError('--url must be an http or https URL');
}

// A gate of an earlier version calls the id of the request `visit`.
function line({ at, status, credits, payer, plan, route, delivered, why, visit, id = visit }) {
  const columns = [new Date(at).toISOString(), status.padEnd(10), `${credits} credits`, `plan ${plan}`, `payer ${payer ?? 'unknown'}`, route];
  return [...columns, delivered ? 'delivered' : 'not delivered', why ?? '', id].join('  ').replace(/[^\x20-\x7e]/g, '?');
}
