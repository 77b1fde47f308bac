// The login of a program that listens on this machine. A file of its own, loaded when one of its functions is called.
import own from '../../../options.json';
import { PaymentsError, know, read } from './core.js';

know(own);

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
