// MPP inside MCP: challenges, credentials and receipts are objects in messages, where HTTP has them in headers. The buyer and the gate read
// headers; this puts one form into the other.
import { fromBase64, toBase64Url } from '../../http/json_base64.js';
import { payments } from '../../builder/js/mpp_headers.js';
import { CREDENTIAL, isObject, isShort } from './messages.js';

/** Members of `_meta`: the challenges and the receipt of a result. */
const CHALLENGES = 'org.paymentauth/payment-required';
const RECEIPT = 'org.paymentauth/receipt';
/** Codes of JSON-RPC errors: a payment is asked for, and a payment was not taken. */
const PAYMENT_REQUIRED = -32042;
const VERIFICATION_FAILED = -32043;

/** The capability of a client or a server, under `experimental`. */
export const CAPABILITY = { payment: { methods: ['nevermined'], intents: ['charge'] } };

/** The members of a challenge that are texts in both forms; `request` is an object in a message. */
const TEXTS = ['id', 'realm', 'method', 'intent', 'expires', 'digest', 'description', 'opaque'];
/** The most that a credential or the challenges of an answer may weigh, in characters of JSON. */
const MAX_JSON = 32_768;

/** JSON with the members of objects in the order of their names (RFC 8785): the id of a challenge is a seal over it. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)}}`;
}

/** The request of a challenge in its form for headers; one that is a text already stays. */
const requestOf = ({ request }) => (isObject(request) ? toBase64Url(canonical(request)) : request);

// --- buyer -------------------------------------------------------------------------------------------

/** The challenges of an answer of the server: in the data of an error, or in a result; an empty list where it has none. */
export function challengesOf({ result, failure }) {
  const data = failure ? [PAYMENT_REQUIRED, VERIFICATION_FAILED].includes(failure.code) && failure.data : result?._meta?.[CHALLENGES];
  const challenges = Array.isArray(data?.challenges) ? data.challenges.filter(isObject) : [];
  return isShort(challenges, MAX_JSON) ? challenges : [];
}

/** The value of `WWW-Authenticate` with these challenges. What a header cannot hold is left out, and with it the challenge, but for its description. */
export function challengeHeader(challenges) {
  return challenges.flatMap((challenge) => {
    const all = [...TEXTS.map((name) => [name, challenge[name]]), ['request', requestOf(challenge)]].filter(([, value]) => value !== undefined && value !== null);
    const plain = ([, value]) => typeof value === 'string' && /^[ -~]*$/.test(value);
    const kept = all.filter((one) => one[0] !== 'description' || plain(one));
    return kept.every(plain) ? [`Payment ${kept.map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`).join(', ')}`] : [];
  }).join(', ');
}

/** The credential of an `Authorization` value as an object, with its challenge as it came in `challenges`; undefined where there is none. */
export function credentialInBand(authorization, challenges) {
  const [, text] = /^Payment ([\w-]+)/.exec(authorization ?? '') ?? [];
  const credential = text && fromBase64(text);
  if (!credential) return undefined;
  const { challenge } = credential;
  return { ...credential, challenge: challenges.find(({ id }) => id === challenge.id) ?? { ...challenge, request: fromBase64(challenge.request) } };
}

/** The value of `Payment-Receipt` for the receipt of a result; undefined where there is none. */
export function receiptHeader(result) {
  const receipt = result?._meta?.[RECEIPT];
  return isObject(receipt) ? toBase64Url(JSON.stringify(receipt)) : undefined;
}

// --- seller ------------------------------------------------------------------------------------------

/** The credential of a request as the value of `Authorization`; undefined where there is none. One that cannot be one is refused by the gate. */
export function credentialHeader(params) {
  const credential = params?._meta?.[CREDENTIAL];
  if (!isObject(credential)) return undefined;
  const { challenge, payload, source } = credential;
  if (!isObject(challenge) || !isShort(credential, MAX_JSON)) return 'Payment e30';
  return `Payment ${toBase64Url(JSON.stringify({ challenge: { ...challenge, request: requestOf(challenge) }, payload, source }))}`;
}

/** The challenges of a `WWW-Authenticate` value, as they are in a message. */
export function readChallenges(header) {
  return [...payments(header ?? '')].map(({ parameters }) => {
    const texts = TEXTS.filter((name) => parameters[name]).map((name) => [name, parameters[name]]);
    return { ...Object.fromEntries(texts), request: fromBase64(parameters.request ?? '') };
  });
}

/** The error that asks for a payment, with the offer of x402 beside the challenges. `code` is the reason for which a credential was not taken. */
export function paymentError({ challenges, required, code, message }) {
  const refused = code !== undefined;
  const type = code === 'BCK.MPP.0004' ? 'payment-expired' : refused ? 'verification-failed' : 'payment-required';
  const problem = { type: `https://paymentauth.org/problems/${type}`, title: message, status: 402 };
  return { code: refused ? VERIFICATION_FAILED : PAYMENT_REQUIRED, message, data: { httpStatus: 402, challenges, problem, x402: required, ...(refused && { code }) } };
}

/** A result with the challenges beside what it has. */
export const withChallenges = (result, challenges) => ({ ...result, _meta: { ...result._meta, [CHALLENGES]: { httpStatus: 402, challenges } } });

/** A result with the receipt of `Payment-Receipt`. */
export function withMppReceipt(result, header, params) {
  const receipt = header && fromBase64(header);
  if (!receipt) return result;
  return { ...result, _meta: { ...result?._meta, [RECEIPT]: { ...receipt, challengeId: params._meta?.[CREDENTIAL]?.challenge?.id } } };
}
