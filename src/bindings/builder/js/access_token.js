// Access tokens as text, and which of them are for one use (contract section 6.3).
import { fromBase64, toBase64Url } from '../../http/json_base64.js';

/** The payload of an access token, its text read as UTF-8; null for text that is no token. */
export const decodeAccessToken = (token) => fromBase64(token) ?? null;

/** Compact JSON in UTF-8, base64url without padding. */
export const encodeAccessToken = (payload) => toBase64Url(JSON.stringify(payload));

/** The platform's code for a single-use token that was presented before. */
export const X402_TOKEN_ALREADY_USED_CODE = 'BCK.X402.0059';

/** 3 for a single-use token, which has a nonce, else 2; null for text that is no token. */
export function detectAccessTokenVersion(token) {
  const payload = typeof token === 'string' ? decodeAccessToken(token) : token;
  if (typeof payload !== 'object' || !payload) return null;
  const nonce = payload.payload?.authorization?.nonce;
  return typeof nonce === 'string' && nonce.trim() ? 3 : 2;
}

export const isSingleUseAccessToken = (token) => detectAccessTokenVersion(token) === 3;

/** True for the error of a token that was presented before. */
export const isAccessTokenAlreadyUsed = (error) => error?.code === X402_TOKEN_ALREADY_USED_CODE;
