// The headers of MPP (contract section 7): challenges, credentials, receipts. `request` and `opaque` go back byte for byte as they
// came: the challenge's id is a seal over them.
import { PaymentsError } from '../js/error.js';

const malformed = (what) => new PaymentsError(`${what} cannot be read`, { code: 'mpp_malformed', retryable: false });

const BETWEEN = /[\s,]*/y;
const PARAMETER = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^",]*))/y;
const SCHEME = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s+|$)/y;
const CREDENTIAL = /[\w\-.~+/]+=*(?=\s*(?:,|$))/y;

/** The `Payment` scheme of a header that may name several: where it stands, what it carries. Each letter is looked at once or twice. */
function payment(header) {
  let at = 0;
  const next = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (next(BETWEEN) && at < header.length) {
    const start = at;
    const scheme = next(SCHEME);
    if (!scheme) {
      // What is no scheme ends with its comma.
      at = (header.indexOf(',', at) + 1) || header.length;
      continue;
    }
    const credential = next(CREDENTIAL)?.[0];
    const parameters = {};
    let end = at;
    while (credential === undefined && next(BETWEEN)) {
      const parameter = next(PARAMETER);
      if (!parameter) break;
      end = at;
      parameters[parameter[1]] = parameter[2]?.replace(/\\(.)/gs, '$1') ?? parameter[3].trim();
    }
    if (scheme[1].toLowerCase() === 'payment') return { text: header.slice(start, end).trim(), credential, parameters };
  }
  return undefined;
}

export const extractPaymentScheme = (header) => payment(header)?.text ?? null;

/** Nothing where there is no challenge that could be paid; an error for one that is broken. */
export function parseChallengeHeader(header) {
  const { id, realm, method, intent, request: requestEncoded, expires, digest, opaque, description } = payment(header)?.parameters ?? {};
  if (!id || !realm || !method || !intent || !requestEncoded) return null;
  const { planId, credits, agentId } = decoded(requestEncoded, 'the challenge') ?? {};
  const amount = Number.isSafeInteger(credits) ? String(credits) : credits;
  const plain = typeof planId === 'string' && planId && typeof amount === 'string' && (agentId === undefined || agentId === null || typeof agentId === 'string');
  if (!plain || !/^\d{1,78}$/.test(amount)) throw malformed('what the challenge asks for');
  const request = { planId, credits: amount, ...(agentId && { agentId }) };
  return { id, realm, method, intent, request, requestEncoded, ...given({ expires, digest, opaque, description }) };
}

export function buildCredentialHeader(challenge, payload) {
  const { id, realm, method, intent, expires, digest, description, opaque, requestEncoded } = challenge;
  const wire = { id, realm, method, intent, ...given({ expires, digest, description, opaque }), request: requestEncoded };
  const bytes = new TextEncoder().encode(JSON.stringify({ challenge: wire, payload }));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return `Payment ${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/** What a payment is known by, whatever letters it comes in; nothing where it is none. */
export function extractCredentialChallengeId(credential) {
  try {
    const { challenge } = decoded(payment(credential)?.credential, 'the credential');
    return typeof challenge?.id === 'string' && challenge.id ? challenge.id : null;
  } catch {
    return null;
  }
}

export function parseReceiptHeader(header) {
  const { method, reference, status, timestamp } = decoded(header.trim(), 'the receipt') ?? {};
  if (![method, reference, status, timestamp].every((one) => typeof one === 'string') || !reference) throw malformed('the receipt');
  return { method, reference, status, timestamp };
}

const given = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value));

/** JSON in base64url. */
function decoded(text, what) {
  try {
    const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0))));
  } catch {
    throw malformed(what);
  }
}
