// Runs the fetches of one session: does what the core commands (send, ask, call the platform) and reports the results. It decides
// nothing. The core takes a flat text for each step and gives JSON: see `fields.js`.
import { hasEnded } from './api_key.js';
import { asked } from './asking.js';
import { aborted, paymentsError, sessionEnded } from './error.js';
import { hints } from './errors.json';
import { answer, clean, delegation, failure, flag, policy, toPublic, url, value } from './fields.js';
import { printable } from './object.js';
import { lazily } from './lazy.js';
import { know } from './options.js';
import { PaidFetch, dialects } from './paid_fetch.js';
import { kept } from './page.js';
import { lines } from './receipts_csv.js';
import { kept as keptRequest } from './request.js';
import { randomHex } from '../../http/hex.js';
import { Sender, converse, pause, randomByte } from '../../http/exchange.js';

know({ hints });

/** How long a call of the platform may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** The answers that stand for one that did not come in time, and for one to a key that is known to have ended. */
const LATE = '{"code":"platform_timeout","message":"Nevermined did not answer in time"}';
const EXPIRED = '{"code":"session_expired","message":"the API key has expired","hint":"log in again"}';

/** The key of the pending orders in `localStorage`, for all tabs of an origin. */
const KEPT_ORDERS = 'payments-wasm.orders';
const LOCAL = 'localStorage';

/** Reads an operation's result, which is an error or a text. */
function checked(text) {
  if (text.startsWith('{"error"')) throw failure(JSON.parse(text).error);
  return text;
}

/** Makes the class: `Engine` is that of the glue. */
export const createCore = (Engine) => class Core {
  /** The addresses of the platform: `{ backend, embed, network }`. */
  #deployment;
  #environment;
  #engine;
  #given;
  #key;
  #organization;
  /** Called with the reason when a session ends that its owner did not end. */
  #ended;
  /** How often somebody has logged in here. */
  #logins = 0;
  /** The fetches under way, by their number. */
  #fetches = new Map();
  #last = 0;
  /** The number of each callback: fetches with the same number ask one question at a time. */
  #askers = new WeakMap();
  /** The store of the budget or of orders alone, one that is being opened, and the operations that it has not taken yet. */
  #store;
  #opening;
  #steps = [];
  #results = [];
  /** The pending orders as they were last stored, in a page; undefined elsewhere, and once they could not be stored. */
  #orders;

  /** `given` are options that were read; `page`: pending orders are stored for all tabs. */
  constructor(given, environment, page, ended) {
    this.#engine = new Engine(given.onEvent !== undefined);
    this.#given = given;
    this.#ended = ended;
    this.#orders = page ? '' : undefined;
    this.#locate(environment);
  }

  #call(...fields) { return this.#engine.call(fields.join('\0')); }

  #locate(environment) {
    const { backend, frontend, embed } = this.#given;
    this.#environment = environment;
    this.#deployment = JSON.parse(checked(this.#call('deployment', environment, clean(backend), clean(frontend), clean(embed))));
  }

  get embed() { return this.#deployment.embed; }
  get network() { return this.#deployment.network; }

  // --- the session -----------------------------------------------------------------------------------

  /** Uses a key from now on; `environment` is that of the platform that the key is for. */
  logIn(key, environment) {
    this.#locate(environment);
    this.#run(checked(this.#call('logIn', ...delegation(this.#given.delegationConfig), clean(key.account))));
    this.#key = key;
    this.#logins += 1;
  }

  /** Forgets key, tokens and agreements. */
  logOut() {
    this.#key = undefined;
    const commands = this.#call('logOut');
    if (this.#store) this.#store.wake();
    else this.#run(commands);
  }

  setOrganization(organization) { this.#organization = organization; }

  /** Ends the session, if there is a reason. */
  #end(reason) {
    if (!reason || !this.#key) return;
    this.logOut();
    this.#ended(reason);
  }

  // --- steps -----------------------------------------------------------------------------------------

  /** Something happened to the buyer. With a store it is taken up when that says so: the promise is for then. */
  #step(...fields) {
    if (this.#store) {
      this.#steps.push(fields);
      return this.#store.wake();
    }
    this.#loadOrders();
    const result = this.#now(fields);
    this.#storeOrders();
    this.#take(fields, result);
  }

  /** A step happens when it is taken: a tab may have slept until then. */
  #now([operation, ...fields]) { return this.#call(operation, Date.now(), ...fields); }

  /** The result of a step: commands, or an error of the fetch that it was for. */
  #take([operation, id], result) {
    if (!result.startsWith('{')) return this.#run(result);
    const error = failure(JSON.parse(result).error);
    const paid = this.#fetches.get(id);
    if (operation === 'open') return paid?.end(() => { throw error; });
    return paid?.failed('approveFailed', error);
  }

  /** Takes up the pending orders of other tabs, and of this page before it was loaded again. */
  #loadOrders() {
    if (this.#orders === undefined) return;
    const now = kept(LOCAL, KEPT_ORDERS);
    // Where somebody has cleared the storage, this page still knows its own.
    if (now !== undefined && this.#orders !== now) this.#call('loadOrders', '', value(now));
    this.#orders = now ?? '';
  }

  /** Stores the pending orders. A page that may store nothing orders all the same. */
  #storeOrders() {
    if (this.#orders === undefined) return;
    const orders = this.#call('storedOrders');
    if (this.#orders !== orders && kept(LOCAL, KEPT_ORDERS, orders) !== undefined) this.#orders = orders;
  }

  /** From now on orders are those of all tabs: each step takes them up. Where they cannot be stored, it goes on without. */
  async ordering() {
    if (!this.#store && lazily.orders) {
      const done = () => { this.#opening = undefined; };
      await (this.#opening ??= lazily(lazily.orders).then(({ keepOrders }) => keepOrders(this)).then(done, done));
    }
    return this;
  }

  /** Does the commands of the core. */
  #run(text) {
    if (text === '' || text === '[]') return;
    const actions = new Map();
    const news = [];
    for (const command of JSON.parse(text)) {
      // The newest action of a fetch replaces one that was not begun: no token goes out after an abort or a logout.
      if (command.do) actions.set(command.fetch, command);
      else if (command.call) this.#work(command);
      else if (command.tell) news.push(toPublic(command.tell));
      else this.#fetches.get(command.fetch)?.sender.limit(command.limit || undefined);
    }
    for (const notice of news) {
      try {
        this.#given.onEvent(notice);
      } catch {
        // A listener that throws hears the next event all the same.
      }
    }
    for (const [id, action] of actions) this.#fetches.get(id)?.act(action);
  }

  /** A call that fetches wait for. It goes on when one of them is aborted. */
  async #work(call) {
    if (call.delay) await pause(call.delay);
    const given = await (call.sign ? this.#sign(call.body) : this.#platform(call));
    this.#step('finished', call.call, ...answer(given));
    this.#end(given?.ends);
  }

  /** A signature of the caller's wallet: the answer to a mint, or none where the wallet refuses. */
  async #sign(handle) {
    try {
      return await (await dialects()).sign(handle, this.#given.wallet);
    } catch (error) {
      // The fetch that waits for it gets the reason as its cause.
      this.refusal = error;
      return undefined;
    }
  }

  /** The offers of a 402 that are no x402 offers of a plan, as a text for the core. */
  async others(head) {
    const { wallet } = this.#given;
    if (!wallet && !/payment\s/i.test(head.header('www-authenticate') ?? '')) return undefined;
    // Where the file cannot be loaded, the offers of x402 are still there.
    const speaks = await dialects().catch((error) => {
      if (head.header('payment-required') === undefined) throw error;
    });
    return speaks?.read(head, { wallet, network: /live$/.test(this.#environment) ? 'eip155:8453' : 'eip155:84532', url: head.at?.url ?? '' });
  }

  // --- fetches ---------------------------------------------------------------------------------------

  /** The request that the code that runs now is asked about, if it is. */
  asked() { return asked(); }

  /** Reads a request that was taken. */
  kept(request) { return keptRequest(request); }

  /** Fetches, and pays if need be. `options` were read; `within` is the request about which the caller's code is being asked. */
  async fetch(request, options, quote, within) {
    const { signal } = request;
    // Before it is opened: terms that are known would mint or order at once.
    if (signal?.aborted) throw aborted(signal.reason);
    const given = this.#given;
    const hooks = {
      approve: options.approve ?? given.approve, select: options.select ?? given.select, fetch: options.fetch ?? given.fetch, quote,
    };
    const id = (this.#last += 1);
    const sender = new Sender(request);
    sender.number = id;
    const { timeouts = {}, tokenVersion = given.tokenVersion, prefetch = given.prefetch } = options;
    const limit = (name) => timeouts[name] ?? given.timeouts?.[name];
    return new Promise((resolve, reject) => {
      const step = (...fields) => this.#step(...fields);
      this.#fetches.set(id, new PaidFetch({ id, sender, hooks, core: this, step, resolve, reject, forget: () => this.#fetches.delete(id) }));
      this.#step(
        'open', id, ...url(sender.place), request.method, request.redirect, flag(quote), this.#asks(hooks.approve, id), within?.number,
        flag(hooks.select !== undefined), flag(tokenVersion && tokenVersion === 3), prefetch,
        limit('send'), limit('platform'), limit('approve'), limit('credits'), options.resume,
        ...delegation(options.delegationConfig), ...policy(options.policy ?? given.policy), ...policy(options.policy && given.policy),
      );
    });
  }

  #asks(approve, id) {
    if (!approve) return '';
    if (!this.#askers.has(approve)) this.#askers.set(approve, id);
    return this.#askers.get(approve);
  }

  // --- the platform ----------------------------------------------------------------------------------

  /**
   * Makes a call of the platform: `{ status, text, correlation, ends }`, or undefined where no answer came. A key that the platform
   * refuses ends the session, and so does one that ended long ago by its own word: `ends` is the reason, for after the answer.
   */
  async #platform({ method, path, keyed, body, repeatable, headers }) {
    const key = keyed ? this.#key : undefined;
    if (key && hasEnded(key)) {
      return { status: 401, text: EXPIRED, ends: 'expired' };
    }
    const correlation = randomHex();
    const { timeoutMs = TIMEOUT_MS, fetch } = this.#given;
    const signal = AbortSignal.timeout(timeoutMs);
    const init = { method, body, signal, redirect: 'manual', headers: { ...headers, 'x-correlation-id': correlation } };
    const { version } = this.#given;
    if (version) init.headers['nevermined-version'] = version;
    if (key) {
      init.headers.authorization = `Bearer ${key.text}`;
      if (this.#organization) init.headers['x-current-org-id'] = this.#organization;
    }
    const logins = this.#logins;
    const given = await this.#converse(fetch, this.#deployment.backend + path, init, repeatable);
    if (!given) return signal.aborted ? { status: 408, text: LATE, correlation } : undefined;
    if (given.text === undefined) return undefined;
    // A platform may print the key that it refuses.
    if (key && given.status >= 400) given.text = given.text.replaceAll(key.text, '…');
    // Another may have logged in meanwhile.
    const isRefused = given.status === 401 && key && this.#logins === logins;
    const hasExpired = key?.expiresAt !== undefined && key.expiresAt * 1000 <= Date.now();
    // A page cannot read the header where the platform does not expose it: then it is what was sent.
    return { ...given, correlation: given.correlation ?? correlation, ends: isRefused ? (hasExpired ? 'expired' : 'refused') : undefined };
  }

  async #converse(fetch, address, init, repeatable) {
    for (let tries = 1; ; tries += 1) {
      const given = await converse(fetch, address, init);
      const wait = repeatable && !init.signal.aborted
        ? this.#call('pauseBeforeRetry', given?.status, tries, randomByte(), value(given?.after)) : '';
      if (wait === '') return given;
      await pause(Number(wait));
    }
  }

  /** The answer to a call is the caller's, as the platform gave it. */
  async #answer(request, key = this.#key) {
    // An order waits before it goes out.
    if (key !== this.#key) throw sessionEnded();
    if (request.keyed && !key) throw notLoggedIn();
    const { order, repeatable } = request;
    const given = await this.#platform(request);
    if (!given) throw failure(JSON.parse(this.#call('unanswered', flag(order), flag(repeatable))).error);
    // The caller learns why before the session ends.
    if (given.ends) queueMicrotask(() => queueMicrotask(() => this.#end(given.ends)));
    const refused = () => failure(JSON.parse(this.#call('refused', flag(order), flag(repeatable), ...answer(given))).error);
    if (given.status < 200 || given.status > 299) throw refused();
    if (given.text === '') return undefined;
    try {
      return JSON.parse(given.text);
    } catch {
      throw refused();
    }
  }

  /** Asks the platform by the name of a call. An argument that is no text, number or bigint is left out. */
  async ask(name, given) {
    // A number that is not safe may have been another before it was given.
    const fields = given.map((one) => value(['string', 'bigint'].includes(typeof one) || Number.isSafeInteger(one) ? one : undefined));
    const request = JSON.parse(checked(this.#call('request', name, fields.length, ...fields)));
    if (!request.order) return this.#answer(request);
    const key = this.#key;
    const began = Date.now();
    const told = (...times) => this.#step('order', clean(`${given[0]}`), ...times);
    // It goes out when all tabs know of it.
    await this.ordering();
    await told('', began);
    const answer = this.#answer(request, key);
    // One that was sent, and of which nobody knows, goes on keeping fetches from ordering.
    answer.then(() => told(began, Date.now()), ({ code }) => code === 'purchase_outcome_unknown' || told(began));
    return answer;
  }

  /** The balance of a plan as the platform says it, with `balance` as a `bigint`. */
  async getPlanBalance(plan, account) {
    const planId = id(plan, 'planId');
    const holder = typeof account === 'string' && this.#call('isAddress', clean(account)) ? account : this.#key?.account;
    if (!holder) throw notLoggedIn();
    const given = await this.#answer(JSON.parse(checked(this.#call('balance', planId, holder))));
    const { balance } = given ?? {};
    const digits = typeof balance === 'string' || typeof balance === 'number' ? String(balance) : '';
    if (!/^\d{1,78}$/.test(digits)) throw failure(JSON.parse(this.#call('garbled', 'balance is missing')).error);
    given.balance = BigInt(digits);
    printable(given);
    // Purchases are decided by the balance of one's own.
    if (holder === this.#key?.account) this.#call('recordBalance', Date.now(), planId, digits);
    return given;
  }

  /** How long to wait before a balance is read again, in milliseconds, after so many times. */
  pause(times) { return Number(this.#call('pollPause', times)); }

  // --- the budget ------------------------------------------------------------------------------------

  get spend() {
    const spend = toPublic(JSON.parse(this.#call('spend', Date.now())));
    if (this.#store?.receipts) spend.receipts = this.#store.receipts;
    return spend;
  }

  /** The books as lines of CSV. */
  lines(receipts, head) { return lines(receipts, head); }

  /** From now on a step is taken when the store says so: `turn`, then `turned`. Without one, at once. */
  keepWith(store) {
    this.#store = store;
    this.#call('hold', store && 1);
  }

  /** Loads what is stored, if it could be read, takes the steps, and gives what to store: all of the budget, or its `Orders`. */
  turn(part, text, tab) {
    if (text !== undefined) this.#call(`load${part}`, tab, value(text));
    for (const fields of this.#steps.splice(0)) this.#results.push([fields, this.#now(fields)]);
    return this.#call(`stored${part}`, tab);
  }

  /** It is stored, or the part that is named could not be. */
  turned(failed) {
    if (failed !== undefined) this.#call('storageFailed', failed);
    // For pages that order nothing.
    this.#storeOrders();
    for (const [fields, result] of this.#results.splice(0)) this.#take(fields, result);
    this.#run(this.#call('commands'));
  }

  /** The records of this instance; undefined where they are as they were when this was last called. */
  records() {
    const text = this.#call('records');
    return text ? toPublic(JSON.parse(text)) : undefined;
  }
};

const notLoggedIn = () => paymentsError('nobody is logged in', undefined, { code: 'not_logged_in', hint: 'log in first: payments.connect() in a page, an nvmApiKey elsewhere', retryable: false });

function id(given, name) {
  if (typeof given === 'string') return clean(given);
  if (typeof given === 'bigint') return String(given);
  throw paymentsError(`${name} must be a string`, undefined, { code: 'validation', retryable: false });
}
