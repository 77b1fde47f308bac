// A budget that outlives the page: for one tab in sessionStorage, for all tabs of an origin in IndexedDB; and the pending orders of
// all tabs, in IndexedDB. A file of its own, loaded with the option, or before something may be bought. The meaning of the texts is
// the core's (subscriber/budget/persistence.rs).
//
// One step at a time takes up what is kept and keeps what has come of it, under a Web Lock that all tabs share; only what is
// kept is done. Not localStorage: what one tab has written there another may not see yet when it gets the lock.

const OURS = 'payments-wasm.budget';
/** The pending orders of all tabs, and how many were sent by pages without a budget: their name in IndexedDB. */
const ORDERS = 'payments-wasm.orders';
/** Limits: the text that the core accepts and the stored receipts, in characters; the number of receipts. */
const MAX_KEPT = 512 * 1024;
const MAX_BOOKS = 1024 * 1024;
const MAX_FIELD = 2048;
const MAX_RECEIPTS = 1000;
/** How long a step waits for another tab or for the storage, in milliseconds. */
const PATIENCE = 10_000;

/** Takes up the budget and keeps it from now on. Rejects where that cannot be done. */
export async function keepBudget(core, budget, problem) {
  const { storage, name = 'default' } = budget;
  if (name.length > 100) throw problem('validation', 'budget.name must be at most 100 characters');
  try {
    await new Ledger(core, storage, name).begin();
  } catch (cause) {
    throw problem('storage_unavailable', `a budget with storage '${storage}' cannot be kept here: ${cause.message}`,
      'it needs Web Locks, storage that may be written, and a page over HTTPS or on this machine; without `budget` it is counted in memory',
      { cause });
  }
}

/** Takes up the pending orders of all tabs and keeps them from now on, without a budget. Rejects where that cannot be done. */
export const keepOrders = (core) => new Ledger(core, 'orders').begin();

/** The instances whose orders could not be stored: an order by hand goes out all the same, and only its instance knows of it. */
const unstored = new WeakSet();

class Ledger {
  /** The books of all who share the budget, the oldest first. */
  receipts;
  #core;
  #store;
  /** The part that the core loads and gives: all of a budget, or its orders. */
  #part = 'Orders';
  #channel;
  /** The name of this instance, and of a lock that it has as long as its page lives. */
  #tab;
  /** True while a step waits for the lock; the newest step. */
  #due = false;
  #done;
  /** This instance's own books, those of the others, and the text that these were read from. */
  #own = [];
  #others = [];
  #books;
  /** The texts that were stored last, for a storage that somebody has cleared since. */
  #text = '';
  #orders;

  constructor(core, storage, name) {
    this.#core = core;
    if (!navigator.locks) throw new Error('navigator.locks is missing');
    this.#store = STORES[storage](`${OURS}.${name}`);
    if (name === undefined) return;
    this.#part = '';
    this.receipts = [];
    this.#tab = crypto.randomUUID?.();
    if (storage === 'local') {
      this.#channel = new BroadcastChannel(`${OURS}.local.${name}`);
      this.#channel.onmessage = () => this.wake();
    }
  }

  async begin() {
    if (this.#tab) {
      await new Promise((done, fail) => {
        navigator.locks.request(this.#tab, () => new Promise(() => done())).catch(fail);
      });
    }
    // Storage that cannot be written must be found before the payment.
    const isUnstored = unstored.has(this.#core);
    if (this.#part) unstored.add(this.#core);
    await this.#step(true, isUnstored);
    unstored.delete(this.#core);
    this.#core.keepWith(this);
  }

  /** There is something to do, or to learn from another tab. The promise is for when it is done. */
  wake() {
    if (this.#due) return this.#done;
    this.#due = true;
    return this.#done = this.#step().then(
      () => this.#core.turned(),
      () => {
        // It is done without what is kept, as far as it costs nothing.
        if (this.#due) this.#turn();
        this.#core.turned(this.#part);
        if (!this.#part) return;
        // A page without a budget pays all the same.
        unstored.add(this.#core);
        this.#core.keepWith();
      },
    );
  }

  #step(begins, isUnstored) {
    const signal = AbortSignal.timeout(PATIENCE);
    return navigator.locks.request(OURS, { signal }, () => inTime(signal, async () => {
      const [text, books, stored] = await this.#store.read();
      const known = areOrders(stored) ? stored : this.#orders;
      const orders = isUnstored && known !== undefined ? withOthers(known, this.#core.turn(this.#part)) : known;
      const living = this.#part ? orders : withOrders(await withoutTheDead(text || this.#text), orders);
      if (signal.aborted) return;
      if (books !== this.#books) this.#others = readBooks(books).filter(({ tab }) => tab !== this.#tab);
      const next = this.#turn(living);
      const nextOrders = this.#part ? next : linesOf(orders, 'b') + linesOf(next, 'oO');
      const own = this.receipts && this.#core.records();
      if (own) this.#own = own.map((receipt) => ({ ...receipt, tab: this.#tab }));
      const all = [...this.#others, ...this.#own].sort((one, other) => one.at - other.at).slice(-MAX_RECEIPTS);
      if (this.receipts) this.receipts = all.map(({ tab, ...receipt }) => receipt);
      this.#books = own ? writeBooks(all) : books;
      const isAsStored = nextOrders === (stored ?? '') && this.#books === books && (this.#part || withoutOrders(next) === withoutOrders(text));
      if (isAsStored && !begins) return;
      await this.#store.write(next, this.#books, nextOrders);
      this.#text = next;
      this.#orders = nextOrders;
      this.#channel?.postMessage(0);
    }));
  }

  #turn(text) {
    this.#due = false;
    return this.#core.turn(this.#part, text, this.#tab);
  }
}

/** Where the text and the books of a budget are kept, and the orders. */
const STORES = {
  session(name) {
    const books = `${name}.receipts`;
    return {
      async read() {
        const text = sessionStorage.getItem(name) ?? '';
        // A browser without IndexedDB may have a budget of a tab: its orders are in its own text.
        const [orders] = await transact('readonly', get(ORDERS)).catch(() => [linesOf(text, 'oO')]);
        return [text, sessionStorage.getItem(books) ?? '', orders];
      },
      async write(text, receipts, orders) {
        const others = await transact('readwrite', put(ORDERS, orders)).catch(() => undefined);
        sessionStorage.setItem(name, others ? withoutOrders(text) : text);
        sessionStorage.setItem(books, receipts);
      },
    };
  },

  local(name) {
    const books = `${name}.receipts`;
    return {
      async read() {
        const [text = '', receipts = '', orders] = await transact('readonly', get(name), get(books), get(ORDERS));
        // A value that is no text counts as unreadable.
        return [...[text, receipts].map((value) => (typeof value === 'string' ? value : '?')), orders];
      },
      write: (text, receipts, orders) => transact('readwrite', put(name, withoutOrders(text)), put(books, receipts), put(ORDERS, orders)),
    };
  },

  orders: () => ({
    async read() {
      const [orders] = await transact('readonly', get(ORDERS));
      return ['', '', orders];
    },
    write: (text, receipts, orders) => transact('readwrite', put(ORDERS, orders)),
  }),
};

const get = (name) => (store) => store.get(name);
const put = (name, value) => (store) => store.put(value, name);

/** One transaction of the database; gives the results of the calls. */
async function transact(mode, ...calls) {
  try {
    const transaction = (await open()).transaction('kept', mode);
    const store = transaction.objectStore('kept');
    const requests = calls.map((call) => call(store));
    await new Promise((done, fail) => Object.assign(transaction, { oncomplete: done, onabort: () => fail(transaction.error) }));
    return requests.map(({ result }) => result);
  } catch (error) {
    opening = undefined;
    throw error;
  }
}

let opening;
const open = () => (opening ??= new Promise((done, fail) => {
  const request = indexedDB.open(OURS, 1);
  request.onupgradeneeded = () => request.result.createObjectStore('kept');
  request.onerror = () => fail(request.error);
  request.onsuccess = () => {
    const database = request.result;
    const close = () => {
      opening = undefined;
      database.close();
    };
    Object.assign(database, { onclose: close, onversionchange: close });
    done(database);
  };
}));

/** True if a stored value is the text of orders. Another is passed over, and what this page knows is stored again. */
const areOrders = (value) => typeof value === 'string' && /^(?:[oOb] \S+ \d+\n)*$/.test(value);

/** The text of orders with those of another that it has not. */
const withOthers = (orders, others) => orders + linesOf(others, 'o').replace(/^o (\S+).*\n/gm, (line, name) => (orders.includes(`o ${name} `) ? '' : line));

/** The lines of a text that begin with one of the letters. */
const linesOf = (text = '', letters) => (text.match(new RegExp(`^[${letters}] .*\n`, 'gm')) ?? []).join('');

const withoutOrders = (text) => text.replace(/^[oO] .*\n/gm, '');

/** The text of a budget with the pending orders of all tabs in the place of its own. */
function withOrders(text, orders) {
  if (orders === undefined) return text;
  const pending = linesOf(orders, 'oO');
  return text || !pending ? pending + withoutOrders(text) : `${pending}s - 0\n`;
}

/** A tab that has gone has spent what it sent, and nothing of what it was about to. */
async function withoutTheDead(text) {
  const kept = text.slice(0, MAX_KEPT + 1);
  if (!/^r /m.test(kept)) return kept;
  const { held } = await navigator.locks.query();
  const alive = new Set(held.map(({ name }) => name));
  // An empty line stays: a text without any would be a beginning.
  return kept.replace(/^r (\S*).*/gm, (line, who) => (alive.has(who) ? line : ''));
}

/** The receipts of a text; those that can be read. */
function readBooks(text) {
  let list;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(list) ? list : []).slice(-MAX_RECEIPTS).flatMap((one) => {
    try {
      const { at, creditsPresented, creditsSettled, ...rest } = one;
      const date = new Date(at);
      // Throws where it is no date.
      date.toISOString();
      return [{ ...rest, at: date, creditsPresented: BigInt(creditsPresented), ...(creditsSettled && { creditsSettled: BigInt(creditsSettled) }) }];
    } catch {
      return [];
    }
  });
}

/** As many of the last as the bounds allow: a seller chose what some of it says. */
function writeBooks(receipts) {
  const text = JSON.stringify(receipts, (_, value) => {
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'string' ? value.slice(0, MAX_FIELD) : value;
  });
  return text.length <= MAX_BOOKS ? text : writeBooks(receipts.slice(Math.ceil(receipts.length / 2)));
}

/** Work that ends with a signal at the latest. */
function inTime(signal, work) {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    work().then(resolve, reject);
  });
}
