// A budget that outlives the page: for one tab in sessionStorage, for all tabs of an origin in IndexedDB. A file of its own,
// loaded with the option. What is kept, and what it means, the core knows (subscriber/keep.rs).
//
// One step at a time takes up what is kept and keeps what has come of it, under a Web Lock that all tabs share; only what is
// kept is done. Not localStorage: what one tab has written there another may not see yet when it gets the lock.

const OURS = 'payments-wasm.budget';
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

class Ledger {
  /** The books of all who share the budget, the oldest first. */
  receipts = [];
  #core;
  #store;
  #lock;
  #channel;
  /** The name of this instance, and of a lock that it has as long as its page lives. */
  #tab = crypto.randomUUID?.();
  /** True while a step waits for the lock. */
  #due = false;
  /** This instance's own books, those of the others, and the text that these were read from. */
  #own = [];
  #others = [];
  #books;

  constructor(core, storage, name) {
    this.#core = core;
    if (!navigator.locks) throw new Error('navigator.locks is missing');
    this.#store = STORES[storage](`${OURS}.${name}`);
    this.#lock = `${OURS}.${this.#store.scope}.${name}`;
    if (storage === 'local') {
      this.#channel = new BroadcastChannel(this.#lock);
      this.#channel.onmessage = () => this.wake();
    }
  }

  async begin() {
    await new Promise((done, fail) => {
      navigator.locks.request(this.#tab, () => new Promise(() => done())).catch(fail);
    });
    // Storage that cannot be written must be found before the payment.
    await this.#step(true);
    this.#core.keepWith(this);
  }

  /** There is something to do, or to learn from another tab. */
  wake() {
    if (this.#due) return;
    this.#due = true;
    this.#step().then(
      () => this.#core.turned(true),
      () => {
        // It is done without what is kept, as far as it costs nothing.
        if (this.#due) this.#turn();
        this.#core.turned(false);
      },
    );
  }

  #step(begins) {
    const signal = AbortSignal.timeout(PATIENCE);
    return navigator.locks.request(this.#lock, { signal }, () => inTime(signal, async () => {
      const [text, books] = await this.#store.read();
      const living = await withoutTheDead(text);
      if (signal.aborted) return;
      if (books !== this.#books) this.#others = readBooks(books).filter(({ tab }) => tab !== this.#tab);
      const next = this.#turn(living);
      const own = this.#core.records();
      if (own) this.#own = own.map((receipt) => ({ ...receipt, tab: this.#tab }));
      const all = [...this.#others, ...this.#own].sort((one, other) => one.at - other.at).slice(-MAX_RECEIPTS);
      this.receipts = all.map(({ tab, ...receipt }) => receipt);
      this.#books = own ? writeBooks(all) : books;
      if (!begins && next === text && this.#books === books) return;
      await this.#store.write(next, this.#books);
      this.#channel?.postMessage(0);
    }));
  }

  #turn(text) {
    this.#due = false;
    return this.#core.turn(text, this.#tab);
  }
}

/** Where a text and the books are kept. */
const STORES = {
  session(name) {
    // Where two tabs have the same name for this, one was made of the other: they wait for one another, and share nothing.
    const scope = (sessionStorage[`${OURS}-tab`] ??= crypto.randomUUID());
    const books = `${name}.receipts`;
    return {
      scope,
      read: async () => [sessionStorage.getItem(name) ?? '', sessionStorage.getItem(books) ?? ''],
      async write(text, receipts) {
        sessionStorage.setItem(name, text);
        sessionStorage.setItem(books, receipts);
      },
    };
  },

  local(name) {
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
    const transact = async (mode, ...calls) => {
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
    };
    const books = `${name}.receipts`;
    return {
      scope: 'local',
      async read() {
        const kept = await transact('readonly', (store) => store.get(name), (store) => store.get(books));
        // A value that is no text counts as unreadable.
        return kept.map((value = '') => (typeof value === 'string' ? value : '?'));
      },
      write: (text, receipts) => transact('readwrite', (store) => store.put(text, name), (store) => store.put(receipts, books)),
    };
  },
};

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
