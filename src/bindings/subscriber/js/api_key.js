// Reads the content of an API key, `<prefix>:<jwt>`, before the core is loaded: its account, its environment, its end.
import { problem } from './error.js';

const PREFIXES = { sandbox: 'sandbox', live: 'live', 'sandbox-staging': 'staging_sandbox', 'live-staging': 'staging_live' };
const MOST = 8 * 1024;
const HINT = 'a key reads <environment>:<three parts with dots>; copy it whole, without quotes or spaces';

/** `{ text, environment, account, expiresAt }`. Its value is in no error. */
export function readKey(text, code = 'validation') {
  const wrong = (what) => problem(code, `nvmApiKey ${what}`, HINT);
  if (text === '') throw wrong('is missing');
  if (text.length > MOST) throw wrong('is too large');
  const colon = text.indexOf(':');
  const prefix = text.slice(0, Math.max(colon, 0)).toLowerCase();
  const parts = text.slice(colon + 1).split('.');
  const claims = /^[!#-&(-~]+$/.test(text) && parts.length === 3 ? readClaims(parts[1]) : undefined;
  if (typeof claims !== 'object' || !claims || Array.isArray(claims)) throw wrong('has a value it cannot have');
  const { sub, exp, o11y } = claims;
  if (!(sub === undefined || sub === null || typeof sub === 'string')) throw wrong('has a value it cannot have');
  return {
    text,
    environment: Object.hasOwn(PREFIXES, prefix) ? PREFIXES[prefix] : undefined,
    account: sub ?? undefined,
    expiresAt: Number.isSafeInteger(exp) && exp >= 0 ? exp : undefined,
    // Helicone's key, where it carries one.
    observer: typeof o11y === 'string' ? o11y : undefined,
  };
}

function readClaims(part) {
  try {
    const letters = atob(part.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/'));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))));
  } catch {
    return undefined;
  }
}

/** How wrong this machine's clock may be before a key's end is believed, in seconds: a week. */
const LEEWAY = 7 * 24 * 60 * 60;

/** True if the key ended so long ago that the platform need not be asked. */
export const hasEnded = ({ expiresAt }) => expiresAt !== undefined && (expiresAt + LEEWAY) * 1000 <= Date.now();
