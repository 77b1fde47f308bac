// One buyer as JavaScript has it: the key, what a page keeps of it, and the core, which is loaded at the first call that needs it.
import { aborted, problem, sessionEnded } from './error.js';
import { hasEnded, readKey } from './api_key.js';
import { lazily } from './lazy.js';
import { printable } from './object.js';
import { missing, read } from './options.js';
import { returnAddress, takeFromAddress } from './address.js';
import { ACCOUNT, KEY, LOCAL, PARAMETERS, STATE, TAB, brought, kept, leaveFor, onKept, onlyInAPage, popupAnswer } from './page.js';
import { POPUP, openPopup } from './popup.js';
import { randomHex } from '../../http/hex.js';
import { taken, unlessAborted } from '../../http/taken.js';

/** Where the one-time state is kept between going to the login page and coming back, and where the key, if it is to be. */
const KEPT_STATE = 'payments-wasm.login-state';
const KEPT_KEY = 'payments-wasm.key';

export class Session {
  /** The key's facts, if somebody is logged in. */
  key;
  loginError;
  /** The core's part, once it is there; it may be used when it is ready: with a budget, when that is taken up. */
  live;
  #ready = false;
  /** Called when the key is forgotten, or another comes in its place. */
  onForget;
  /** In a page: where it is come back to. */
  returnUrl;
  #load;
  /** The options of the instance, read. */
  given;
  #loading;
  #storage;

  /** `load` gives the glue with the wasm started; `given` are options that were read. */
  constructor(load, given) {
    this.#load = load;
    // Addresses of variables belong together: one that is given is given with the others.
    this.given = given.backend === undefined ? { ...lazily.variables?.(), ...given } : given;
    this.organization = given.organizationId;
    this.environment = given.environment ?? 'custom';
  }

  /** The options of a gate that sells in this account's name. */
  get selling() {
    const { backend } = this.given;
    return { nvmApiKey: this.key?.text, environment: this.environment, ...(this.environment === 'custom' && { backend }) };
  }

  get loggedIn() { return this.key !== undefined; }

  // --- the key ---------------------------------------------------------------------------------------

  /** Uses a key, or nobody's; throws where it leads to no platform. */
  use(key) {
    const environment = key?.environment ?? this.given.environment ?? 'custom';
    if (environment === 'custom' && !this.given.backend) {
      throw missing('backend', "give the platform's address, or an `environment` that has one");
    }
    if (this.key) {
      this.live?.logOut();
      this.onForget?.();
    }
    this.environment = environment;
    this.key = key;
    if (key) this.live?.logIn(key, environment);
  }

  logOut() {
    this.#keep(null);
    this.#forget();
  }

  #forget() {
    this.key = undefined;
    brought.login = brought.checkout = brought.card = undefined;
    this.live?.logOut();
    this.onForget?.();
  }

  /** The session ended though its owner did not end it here. */
  ended(reason) {
    if (!this.key) return;
    // A key that another tab has stored since is not removed.
    if (reason !== 'logged_out_elsewhere') this.#keep(null);
    this.#forget();
    this.#tell('onSessionChange', false);
    this.#tell('onSessionExpired', reason);
  }

  /** An error in a listener does not reach the session. */
  #tell(name, what) {
    try {
      this.given[name]?.(what);
    } catch {
      // Nobody to tell.
    }
  }

  /** With null, forgets it. A full or forbidden storage means that the next page has to log in again. */
  #keep(text) {
    if (this.#storage) kept(this.#storage, KEPT_KEY, text);
  }

  // --- a page ----------------------------------------------------------------------------------------

  /** Makes it the session of a page: with the key that a login brought to this page load, one that is given, or one that is kept. */
  open(login) {
    const { returnUrl, storage, nvmApiKey, environment, backend, frontend } = this.given;
    this.returnUrl = returnAddress(returnUrl, PARAMETERS);
    if (!this.returnUrl) throw problem('validation', 'returnUrl must be an http or https URL');
    this.#storage = { session: TAB, local: LOCAL }[storage];
    // A login's key is valid for the platform that issued it.
    const place = [environment, backend, frontend].join(' ');
    const came = login && (login.place ??= place) === place ? login : {};
    this.loginError = came.error;
    this.use(came.key ?? (nvmApiKey === undefined ? this.#kept() : readKey(nvmApiKey)));
    if (this.key) this.#keep(this.key.text);
    if (this.#storage === LOCAL) this.#follow();
  }

  #kept() {
    const text = this.#storage && kept(this.#storage, KEPT_KEY);
    if (!text) return undefined;
    try {
      const key = readKey(text);
      if (!hasEnded(key)) return key;
    } catch {
      // An invalid key counts as no key.
    }
    this.#keep(null);
    return undefined;
  }

  /** Does what other tabs do, where they share the key: a login there is one here, and so is a logout. */
  #follow() {
    const weak = new WeakRef(this);
    onKept(KEPT_KEY, (text) => {
      const session = weak.deref();
      let key;
      try {
        key = text === undefined ? undefined : readKey(text);
      } catch {
        key = undefined;
      }
      if (!key) return session?.ended('logged_out_elsewhere');
      try {
        session?.use(key);
      } catch {
        // One that leads to no platform leaves nobody logged in.
        session?.use(undefined);
      }
      session?.#tell('onSessionChange', session.loggedIn);
    });
  }

  /** Goes to the login page, or opens it in a window of its own. */
  connect({ mode = 'redirect', signal }) {
    if (!this.returnUrl) throw onlyInAPage('connect');
    const state = randomHex();
    const back = new URL(this.returnUrl);
    back.searchParams.set(STATE, state);
    if (mode === 'redirect') {
      if (!kept(TAB, KEPT_STATE, state)) throw problem('storage_unavailable', 'sessionStorage is needed to come back, and is not available');
      return leaveFor(this.#loginUrl(back.href));
    }
    if (back.origin !== location.origin) throw problem('validation', "returnUrl must be of this page's own origin with a popup");
    const id = randomHex();
    back.searchParams.set(POPUP, id);
    const popup = openPopup(id, this.#loginUrl(back.href));
    return this.#connected(popup, state, signal);
  }

  async #connected(popup, state, signal) {
    let values;
    try {
      values = await popupAnswer(popup, undefined, STATE, state, signal);
    } catch (error) {
      throw signal?.aborted ? aborted(signal.reason) : error;
    }
    const { key, error } = judge(values, state);
    if (!key) throw error ?? problem('popup_closed', 'nobody logged in');
    this.use(key);
    this.#keep(key.text);
  }

  #loginUrl(back) {
    const { frontend, backend } = this.given;
    const app = this.environment === 'custom' ? frontend ?? backend : `https://nevermined.${/^staging/.test(this.environment) ? 'dev' : 'app'}`;
    return `${app}/login?returnUrl=${encodeURIComponent(back)}`;
  }

  // --- the core --------------------------------------------------------------------------------------

  /** The core's part; loaded once, and anew where that failed. */
  core() {
    return (this.#loading ??= this.#start().catch((error) => {
      this.#loading = this.live = undefined;
      throw error;
    }));
  }

  async #start() {
    const { Core } = await this.#load();
    // The core holds on to it, and the session to the core.
    const weak = new WeakRef(this);
    const core = new Core(this.given, this.environment, this.returnUrl !== undefined, (reason) => weak.deref()?.ended(reason));
    this.live = core;
    if (this.key) core.logIn(this.key, this.environment);
    core.setOrganization(this.organization);
    const { budget } = this.given;
    if (budget) await (await lazily(() => import('./budget_store.js'))).keepBudget(core, budget, problem);
    this.#ready = true;
    return core;
  }

  setOrganization(organization) {
    this.organization = organization;
    this.live?.setOrganization(organization);
  }

  /** Fetches; with `quote`, pays nothing and gives the terms. All that is given is read before this returns. */
  async fetch(input, init, options, quote = false) {
    // At once: later it is other code that runs. Nobody is asked before the core is there.
    const within = this.live?.asked();
    const { key } = this;
    try {
      const given = read(quote ? 'QuoteOptions' : 'FetchOptions', options);
      const request = taken(input, init);
      const core = await this.#coreFor(request.settings.signal, (given.policy ?? this.given.policy)?.purchase);
      const kept = await core.kept(request);
      // A logout during a request ends the request.
      if (key && this.key !== key) throw sessionEnded();
      return await core.fetch(kept, given, quote, within);
    } catch (error) {
      if (error.spend === undefined) error.spend = NOTHING();
      throw error;
    }
  }

  /** The core, unless a signal fires first; where something may be bought, it knows the orders of all tabs. */
  async #coreFor(given, buys) {
    if (this.#ready && !buys) return this.live;
    // Another thing in its place is no request, which the core says.
    const signal = given instanceof AbortSignal ? given : undefined;
    try {
      const core = this.core();
      return await unlessAborted(signal, buys ? core.then((one) => one.ordering()) : core);
    } catch (error) {
      throw signal?.aborted ? aborted(signal.reason) : error;
    }
  }

  async ask(name, given) { return (await this.core()).ask(name, given); }

  async getPlanBalance(planId, account) { return (await this.core()).getPlanBalance(planId, account); }

  get spend() { return this.live?.spend ?? printable({ credits: 0n, inLastHour: 0n, inLastDay: 0n, creditsSettled: 0n, purchases: 0n, byOrigin: [], byPlan: [], amounts: [], receipts: [] }); }
}

/** The spend of a `fetch` that was not started. */
const NOTHING = () => printable({ outcome: 'none', requests: 0, mints: 0, creditsPresented: 0n, amounts: [], singleUse: false, purchases: [] });

/**
 * The login result of this page load: a key or an error, or nothing. It is removed from the address bar the first time,
 * and remembered, because an application may create its instance twice.
 */
export function takeLogin() {
  const values = takeFromAddress(PARAMETERS);
  if (!values) throw onlyInAPage('getBrowserInstance');
  if (values[KEY] !== undefined) {
    const state = kept(TAB, KEPT_STATE);
    kept(TAB, KEPT_STATE, null);
    brought.login = judge(values, state);
  }
  return brought.login;
}

/** A key that comes without the state that this page gave out was planted. */
function judge(values, state) {
  if (values[KEY] === undefined) return {};
  if (!state || values[STATE] !== state) return { error: problem('login_state_mismatch', 'a login that this page did not ask for was not used') };
  try {
    const key = readKey(values[KEY], 'login_bad_key');
    const account = values[ACCOUNT];
    if (account && key.account && account.toLowerCase() !== key.account.toLowerCase()) {
      return { error: problem('login_account_mismatch', 'the login came back with a key of another account') };
    }
    return { key };
  } catch (error) {
    return { error };
  }
}
