// The headers of MPP (contract section 7): challenges, credentials, receipts. `request` and `opaque` go back byte for byte as they
// came: the challenge's id is a seal over them.
import { PaymentsError } from './core.js';
import { fromBase64, toBase64Url } from '../../http/json_base64.js';

const malformed = (what) => new PaymentsError(`${what} cannot be read`, { code: 'mpp_malformed', retryable: false });

const BETWEEN = /[\s,]*/y;
const PARAMETER = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^",]*))/y;
const SCHEME = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s+|$)/y;
const CREDENTIAL = /[\w\-.~+/]+=*(?=\s*(?:,|$))/y;

/**
 * The `Payment` challenges, or the credential, of a header that may name several schemes: where each stands, what it carries. Names of
 * parameters are in small letters, as their letters' case says nothing; `twice` is one that is there twice, which none may be (RFC 9110
 * section 11.2). Each letter is looked at once or twice.
 */
export function* payments(header) {
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
      // Text that is no scheme ends at its comma.
      at = (header.indexOf(',', at) + 1) || header.length;
      continue;
    }
    const credential = next(CREDENTIAL)?.[0];
    const parameters = Object.create(null);
    let twice;
    let end = at;
    while (credential === undefined && next(BETWEEN)) {
      const parameter = next(PARAMETER);
      if (!parameter) break;
      end = at;
      const name = parameter[1].toLowerCase();
      if (name in parameters) twice = name;
      parameters[name] = parameter[2]?.replace(/\\(.)/gs, '$1') ?? parameter[3].trim();
    }
    if (scheme[1].toLowerCase() === 'payment') yield { text: header.slice(start, end).trim(), credential, parameters, twice };
  }
}

const first = (header) => payments(header).next().value;

export const extractPaymentScheme = (header) => first(header)?.text ?? null;

/** Nothing where there is no challenge of ours that could be paid, whatever others stand beside it; an error for one that is broken. */
export function parseChallengeHeader(header) {
  const whole = [...payments(header)].filter(({ parameters: { id, realm, method, intent, request } }) => id && realm && method && intent && request);
  const ours = whole.find(({ parameters: { method } }) => method.toLowerCase() === 'nevermined') ?? whole.find(({ parameters }) => asked(parameters.request));
  if (!ours) return null;
  if (ours.twice) throw malformed(`the challenge has ${ours.twice} twice, and`);
  const { id, realm, method, intent, request: requestEncoded, expires, digest, opaque, description } = ours.parameters;
  const request = asked(requestEncoded);
  if (!request) throw malformed('what the challenge asks for');
  return { id, realm, method, intent, request, requestEncoded, ...given({ expires, digest, opaque, description }) };
}

/** The request in one of our challenges; undefined for another seller's or a broken one. */
function asked(encoded) {
  try {
    const { planId, credits, agentId } = decoded(encoded, '');
    const amount = Number.isSafeInteger(credits) ? String(credits) : credits;
    const plain = typeof planId === 'string' && planId && typeof amount === 'string' && (agentId === undefined || agentId === null || typeof agentId === 'string');
    return plain && /^\d{1,78}$/.test(amount) ? { planId, credits: amount, ...(agentId && { agentId }) } : undefined;
  } catch {
    return undefined;
  }
}

export function buildCredentialHeader(challenge, payload) {
  const { id, realm, method, intent, expires, digest, description, opaque, requestEncoded } = challenge;
  const wire = { id, realm, method, intent, ...given({ expires, digest, description, opaque }), request: requestEncoded };
  return `Payment ${toBase64Url(JSON.stringify({ challenge: wire, payload }))}`;
}

/** The challenge id of a payment credential, whatever the case of its scheme; undefined if there is none. */
export function extractCredentialChallengeId(credential) {
  try {
    const { challenge } = decoded(first(credential)?.credential, 'the credential');
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
  const value = fromBase64(text);
  if (value === undefined) throw malformed(what);
  return value;
}
