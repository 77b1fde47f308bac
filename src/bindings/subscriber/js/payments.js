// The class that callers meet. It is there at once: the WebAssembly is loaded by the first call that needs it.
import { described, exportReceipts, paymentOf, wrapFetch } from './receipts_export.js';
import { problem, seenFrom } from './error.js';
import { readKey } from './api_key.js';
import { lazily, part } from './lazy.js';
import { read } from './options.js';
import { handOver } from './popup.js';
import { RESOURCES } from './resources.js';
import { Session, takeLogin } from './session.js';

// For the files that are loaded on demand, and the command line.
export { near, read } from './options.js';

/** A function of a file of its own that needs no instance. */
const later = (name) => async (...given) => (await lazily(() => import('./helpers.js')))[name](...given);

/** The class that an entry made. */
let made;

/** The instance with those options, or the one that gave them: `payments.options`. */
export const instanceOf = (options) => (options instanceof made ? options : made.getInstance(options));

/** Makes the class of an entry: `load` gives the glue, its wasm started, or a promise of it. It may be called again after a failure. */
export function createPayments(load) {
  const inside = Symbol('payments-wasm');

  class Payments {
    #session;
    #mcp;
    #a2a;

    constructor(mark, session) {
      if (mark !== inside) throw problem('validation', 'use Payments.getInstance or Payments.getBrowserInstance');
      this.#session = session;
      for (const [name, Resource] of Object.entries(RESOURCES)) {
        Object.defineProperty(this, name, { value: new Resource(session), enumerable: true });
      }
    }

    static getInstance(options) {
      try {
        const given = read('PaymentOptions', options);
        const session = new Session(load, given);
        session.use(readKey(given.nvmApiKey));
        return new Payments(inside, session);
      } catch (error) {
        throw seenFrom(error, Payments.getInstance);
      }
    }

    static getBrowserInstance(options) {
      try {
        // Before anything else, the address is cleaned. A window that was opened for a login gives it to the page that opened it.
        handOver();
        const login = takeLogin();
        const session = new Session(load, read('BrowserOptions', options));
        session.open(login);
        return new Payments(inside, session);
      } catch (error) {
        throw seenFrom(error, Payments.getBrowserInstance);
      }
    }

    static loginUrl = later('loginUrl');
    static readCallback = later('readCallback');

    get mcp() { return (this.#mcp ??= part(() => import('./mcp_client.js'), ({ Mcp }) => new Mcp(this, () => this.#session.selling, lazily.mcp))); }
    get a2a() { return (this.#a2a ??= part(() => import('./a2a_client.js'), ({ A2a }) => new A2a(this, () => this.#session.selling, lazily.mcp))); }
    get isLoggedIn() { return this.#session.loggedIn; }
    /** The value that `DelegationAPI.getInstance` and similar calls take. */
    get options() { return this; }

    get environmentName() { return this.#session.environment; }
    getEnvironmentName() { return this.#session.environment; }
    get loginError() { return this.#session.loginError; }
    getAccountAddress() { return this.#session.key?.account; }
    getOrganizationId() { return this.#session.organization; }

    setOrganizationId(organizationId) {
      try {
        this.#session.setOrganization(read('OrganizationOptions', { organizationId }).organizationId);
      } catch (error) {
        throw seenFrom(error, this.setOrganizationId);
      }
    }

    /** Loads what the first call would load; with a `budget`, reads it. Calling it is never necessary. */
    async ready() {
      await this.#session.core();
      return this;
    }

    connect(options) {
      try {
        return this.#session.connect(read('ConnectOptions', options));
      } catch (error) {
        throw seenFrom(error, this.connect);
      }
    }

    logout() { this.#session.logOut(); }

    async fetch(input, init, options) {
      try {
        return await this.#session.fetch(input, init, options);
      } catch (error) {
        throw seenFrom(error, this.fetch);
      }
    }

    async quote(input, init, options) {
      try {
        return await described(this.#session.fetch(input, init, options, true), this.#session);
      } catch (error) {
        throw seenFrom(error, this.quote);
      }
    }

    wrapFetch(fetch) {
      try {
        return wrapFetch(this, read('QuoteOptions', { fetch }).fetch);
      } catch (error) {
        throw seenFrom(error, this.wrapFetch);
      }
    }

    paymentOf(response) { return paymentOf(response); }

    get spend() { return this.#session.spend; }
    exportReceipts(format) { return exportReceipts(this.#session, format); }

    toJSON() {
      const { environment, loggedIn, key } = this.#session;
      return { environmentName: environment, isLoggedIn: loggedIn, ...(key?.account && { accountAddress: key.account }) };
    }

    /** As Node, Deno and Bun print it. */
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
      return inspect ? `Payments ${inspect(this.toJSON(), options)}` : this.toJSON();
    }
  }
  // A minifier gives it another name, and it is printed by this one.
  Object.defineProperty(Payments, 'name', { value: 'Payments' });
  return (made = Payments);
}
