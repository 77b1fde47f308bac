// `payments.mpp.fetch`: pays an endpoint that challenges with MPP from a delegation (contract section 7.5). The plain request goes first. At most two
// challenges are answered, and `maxCredits` is for the whole call. Nobody is asked, and nothing is counted: an instance with a policy pays by `payments.fetch`.
// The request was taken at the call (`resources.js`): the one that is paid for is the one that was given.
import own from '../../../options.json';
import { know, problem, read } from './core.js';
import { buildCredentialHeader, parseChallengeHeader, parseReceiptHeader } from './mpp_headers.js';
import { MPP_SPEND_OUTCOME_UNKNOWN_CODE, isRetryableMppCode, makeMppError } from './mpp_errors.js';

know(own);

const MOST_CHALLENGES = 2;
/** The most of an answer that is read for its code, in bytes. */
const MOST_BODY = 64 * 1024;
/** The words of a receipt that say that nothing was settled. Any other word is no failure. */
const FAILED = ['failed', 'failure', 'declined', 'error'];

export async function mppFetch(part, request, options) {
  const { delegationConfig, planId, agentId, maxCredits } = read('MppFetchOptions', options);
  const { session } = part;
  const { url, settings } = await (await session.core()).kept(request);
  const fetch = session.given.fetch ? (...given) => session.given.fetch(new Request(...given)) : globalThis.fetch;
  const spend = { credentialsPresented: 0 };
  try {
    let response = await fetch(url, settings);
    for (let turn = 0; turn < MOST_CHALLENGES && response.status === 402; turn += 1) {
      const header = response.headers.get('www-authenticate');
      const challenge = header && await challengeOf(response, header);
      if (!challenge) break;
      if (session.given.policy) throw problem('consent_required', 'payments.mpp.fetch knows no policy', 'payments.fetch answers the challenge within the policy');
      guardPlace(url, response);
      guard(challenge, { planId, maxCredits, spent: spend.creditsPresented });
      const { request: terms } = challenge;
      const { accessToken } = await part.getMppAccessToken(terms.planId, agentId ?? terms.agentId, { delegationConfig });
      spend.credentialsPresented += 1;
      spend.creditsPresented = String(BigInt(spend.creditsPresented ?? 0) + BigInt(terms.credits));
      spend.challengeId = challenge.id;
      const credential = buildCredentialHeader(challenge, { accessToken });
      response = await paid(fetch, url, settings, credential);
      if (response.status === 402) await retryable(response, challenge, `${credential} ${accessToken}`.toLowerCase());
    }
    const receipt = spend.credentialsPresented > 0 ? receiptOf(response) : undefined;
    const settled = receipt !== undefined && !FAILED.includes(receipt.status.trim().toLowerCase());
    const { credentialsPresented, creditsPresented } = spend;
    return {
      response, settled, paid: response.ok && settled, credentialsPresented,
      ...(creditsPresented !== undefined && { creditsPresented }), ...(receipt && { receipt }),
    };
  } catch (error) {
    if (spend.credentialsPresented > 0) error.spend = spend;
    throw error;
  }
}

async function challengeOf(response, header) {
  try {
    return parseChallengeHeader(header);
  } catch (error) {
    throw makeMppError(`the 402 of ${originOf(response)} carries a broken challenge: ${error.message}`, { code: 'mpp_malformed', cause: error });
  }
}

const originOf = ({ url }) => (URL.canParse(url) ? new URL(url).origin : 'the seller');

/** Rule 6: a credential goes to the origin that asked for it, over HTTPS or to this machine. A `Response` that nobody fetched has no address. */
function guardPlace(asked, { url }) {
  const { origin } = new URL(url || asked);
  if (origin !== new URL(asked).origin) throw problem('ambiguous_redirect', 'the 402 came after a redirect to another origin', 'request the final URL itself');
  if (!/^https:|^http:..(\[::1]|127(\.\d+){3}|([\w.-]+\.)?localhost)(:\d+)?$/.test(origin)) throw problem('insecure_target', 'no credential goes over plain HTTP to another machine');
}

/** The caller's own limits: nothing is minted against them. */
function guard({ request }, { planId, maxCredits, spent = 0 }) {
  if (planId !== undefined && planId !== request.planId) throw problem('validation', `the challenge names plan ${request.planId}, and the call is for plan ${planId}`);
  const total = BigInt(spent) + BigInt(request.credits);
  if (maxCredits !== undefined && total > BigInt(maxCredits)) {
    throw problem('budget_exceeded', `the challenge brings the call to ${total} credits, and maxCredits is ${maxCredits}`);
  }
}

/** Sends the request with the credential, before an `Authorization` of the caller's own. A connection that breaks now leaves the outcome open. */
async function paid(fetch, url, settings, credential) {
  const headers = new Headers(settings.headers);
  const own = headers.get('authorization');
  headers.set('authorization', own ? `${credential}, ${own}` : credential);
  try {
    return await fetch(url, { ...settings, headers });
  } catch (cause) {
    throw makeMppError('the credential was sent, and no answer came: the credits may have been taken', { code: MPP_SPEND_OUTCOME_UNKNOWN_CODE, cause });
  }
}

/** After a 402 to a credential: returns if a new challenge may be answered, else throws what the seller says. */
async function retryable(response, challenge, secrets) {
  const { code, message, unreadable } = await refusal(response);
  if (code !== undefined ? isRetryableMppCode(code) : !unreadable && isFresh(response, challenge)) return;
  // Rule 13: neither a part of what was sent, nor a word that may be it in another encoding.
  const tells = /[^\W_]{100}/.test(message) || message.toLowerCase().match(/[\w-]{24}/g)?.some((part) => secrets.includes(part));
  throw makeMppError(`${originOf(response)} refused the credential${tells ? '' : `: ${message.slice(0, 200)}`}`, { code, status: 402, response });
}

function isFresh(response, challenge) {
  try {
    const next = parseChallengeHeader(response.headers.get('www-authenticate') ?? '');
    return next !== null && next.id !== challenge.id;
  } catch {
    return false;
  }
}

/** The code and the message of a 402. An empty body has neither; one that is no JSON says nothing that could be trusted. */
async function refusal(response) {
  let text;
  try {
    text = await start(response.clone().body);
  } catch (error) {
    return { message: `the answer could not be read: ${error.message}`, unreadable: true };
  }
  if (!text.trim()) return { message: 'the answer has no body' };
  try {
    const { code, message, error } = JSON.parse(text) ?? {};
    const words = message ?? error;
    return { code: typeof code === 'string' && code ? code : undefined, message: typeof words === 'string' ? words : 'no reason is given' };
  } catch {
    return { message: `the answer is not JSON: ${text}`, unreadable: true };
  }
}

async function start(body) {
  if (!body) return '';
  const parts = [];
  let length = 0;
  for (const reader = body.getReader(); length < MOST_BODY;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length >= MOST_BODY) reader.cancel().catch(() => {});
  }
  return new Blob(parts).slice(0, MOST_BODY).text();
}

/** A receipt that cannot be read destroys no answer that was paid for. */
function receiptOf(response) {
  const header = response.headers.get('payment-receipt');
  try {
    return header ? parseReceiptHeader(header) : undefined;
  } catch (error) {
    console.warn(`[payments.mpp.fetch] the receipt cannot be read: ${error.message}`);
    return undefined;
  }
}
