// The functions that need neither an instance nor WebAssembly, with the official SDK's names. A file of its own, loaded
// when one of them is called.
import { PaymentsError, read } from './core.js';

/** The payload of an access token, its text read as the UTF-8 that it is; null for what is none. */
export function decodeAccessToken(token) {
  try {
    const text = atob(token.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
  } catch {
    return null;
  }
}

/** Compact JSON in UTF-8, base64url without padding. */
export function encodeAccessToken(payload) {
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

const CARD = 'nvm:card-delegation';

/** The offer of a 402. Members that say nothing are left out; their order is the official one. */
export function buildPaymentRequiredForPlans(planIds, options) {
  const { endpoint, agentId, httpVerb, network, description, mimeType, scheme = 'nvm:erc4337', environment = '' } = read('PaymentRequiredOptions', options);
  const chain = /live$/.test(environment) ? 'eip155:8453' : 'eip155:84532';
  const extra = () => ({ version: '1', ...(agentId && { agentId }), ...(httpVerb && { httpVerb }) });
  return {
    x402Version: 2,
    resource: { url: endpoint || '', ...(description && { description }), ...(mimeType && { mimeType }) },
    accepts: (planIds.length ? planIds : ['']).map((planId) => ({
      scheme, network: network || (scheme === CARD ? 'stripe' : chain), planId, extra: extra(),
    })),
    extensions: {},
  };
}

export const buildPaymentRequired = (planId, options) => buildPaymentRequiredForPlans([planId], options);

/** Rejects where the plan cannot be read, rather than take it for a crypto plan. */
export async function resolveScheme(payments, planId, explicit) {
  if (explicit) return explicit;
  const { registry } = await payments.plans.getPlan(planId);
  return registry?.price?.isCrypto === false ? CARD : 'nvm:erc4337';
}

export async function resolveNetwork(payments, planId, explicit) {
  return explicit || (await payments.plans.getPlan(planId)).metadata?.plan?.fiatPaymentProvider || undefined;
}

/** The key that a login brought to a listener on this machine; nothing where the request is of something else. */
export function readCallback(url, state) {
  const { searchParams } = new URL(url, 'http://localhost');
  const key = searchParams.get('nvm_api_key');
  if (key === null) return undefined;
  if (!state || searchParams.get('nvmState') !== state) {
    throw new PaymentsError('a login came back that was not asked for here; it was not used', { code: 'login_state_mismatch', retryable: false });
  }
  return key;
}

/**
 * Where a person logs in for a program that listens at `callbackUrl` on this machine, and the one-time state that has to
 * come back there.
 */
export function loginUrl(options) {
  const { callbackUrl, environment = 'custom', frontend, backend } = read('LoginUrlOptions', options);
  const bad = (field) => new PaymentsError(`${field} is missing or not allowed`, { code: 'validation', retryable: false });
  const app = environment === 'custom' ? frontend ?? backend : `https://nevermined.${/^staging/.test(environment) ? 'dev' : 'app'}`;
  if (!app) throw bad('frontend');
  const callback = URL.canParse(callbackUrl) ? new URL(callbackUrl) : undefined;
  // The key goes there.
  if (callback?.protocol !== 'http:' || !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(callback.hostname)) throw bad('callbackUrl');
  const state = crypto.randomUUID().replaceAll('-', '');
  callback.searchParams.set('nvmState', state);
  return { url: `${app}/auth/cli?callback_url=${encodeURIComponent(callback)}`, state };
}
