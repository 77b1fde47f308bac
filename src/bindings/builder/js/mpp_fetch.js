// `payments.mpp.fetch`: pays an endpoint that challenges with MPP from a delegation (contract section 7.5). The plain request goes first. At most two
// challenges are answered, and `maxCredits` is for the whole call. Nobody is asked, and nothing is counted: an instance with a policy pays by `payments.fetch`.
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

export async function mppFetch(part, input, init, options) {
  const { delegationConfig, planId, agentId, maxCredits } = read('MppFetchOptions', options);
  const fetch = part.session.given.fetch ? (...given) => part.session.given.fetch(new Request(...given)) : globalThis.fetch;
  const spend = { credentialsPresented: 0 };
  try {
    let response = await fetch(again(input), init);
    for (let turn = 0; turn < MOST_CHALLENGES && response.status === 402; turn += 1) {
      const header = response.headers.get('www-authenticate');
      const challenge = header && await challengeOf(response, header);
      if (!challenge) break;
      if (part.session.given.policy) throw problem('consent_required', 'payments.mpp.fetch knows no policy', 'payments.fetch answers the challenge within the policy');
      guardPlace(input, response);
      guard(challenge, { planId, maxCredits, spent: spend.creditsPresented });
      if (init?.body instanceof ReadableStream || (input instanceof Request && input.bodyUsed)) {
        throw problem('body_not_replayable', 'the body is a stream and was sent: the challenge cannot be answered', 'give a string, a buffer, a Blob, FormData or URLSearchParams');
      }
      const { request } = challenge;
      const { accessToken } = await part.getMppAccessToken(request.planId, agentId ?? request.agentId, { delegationConfig });
      spend.credentialsPresented += 1;
      spend.creditsPresented = String(BigInt(spend.creditsPresented ?? 0) + BigInt(request.credits));
      spend.challengeId = challenge.id;
      response = await paid(fetch, again(input), init, buildCredentialHeader(challenge, { accessToken }));
      if (response.status === 402) await retryable(response, challenge);
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

/** A `Request` is sent several times: each time a copy. */
const again = (input) => (input instanceof Request ? input.clone() : input);

async function challengeOf(response, header) {
  try {
    return parseChallengeHeader(header);
  } catch (error) {
    throw makeMppError(`the 402 of ${originOf(response)} carries a broken challenge: ${error.message}`, { code: 'mpp_malformed', cause: error });
  }
}

const originOf = ({ url }) => (URL.canParse(url) ? new URL(url).origin : 'the seller');

/** Rule 6: a credential goes to the origin that asked for it, over HTTPS or to this machine. A `Response` that nobody fetched has no address. */
function guardPlace(input, { url }) {
  const asked = new URL(input instanceof Request ? input.url : input, globalThis.location?.href);
  const { origin } = url ? new URL(url) : asked;
  if (origin !== asked.origin) throw problem('ambiguous_redirect', 'the 402 came after a redirect to another origin', 'request the final URL itself');
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
async function paid(fetch, input, init, credential) {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  const own = headers.get('authorization');
  headers.set('authorization', own ? `${credential}, ${own}` : credential);
  try {
    return await fetch(input, { ...init, headers });
  } catch (cause) {
    throw makeMppError('the credential was sent, and no answer came: the credits may have been taken', { code: MPP_SPEND_OUTCOME_UNKNOWN_CODE, cause });
  }
}

/** After a 402 to a credential: returns if a new challenge may be answered, else throws what the seller says. */
async function retryable(response, challenge) {
  const { code, message, unreadable } = await refusal(response);
  if (code !== undefined ? isRetryableMppCode(code) : !unreadable && isFresh(response, challenge)) return;
  throw makeMppError(`${originOf(response)} refused the credential: ${message.slice(0, 200)}`, { code, status: 402, response });
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
    return { message: `the answer is not JSON: ${text.slice(0, 200)}`, unreadable: true };
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
