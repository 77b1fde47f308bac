// One call of `payments.fetch`: the actions that the core commands for it, and its result.
import { delegation, failure, flag, toPublic, url, value } from './fields.js';
import { lazily } from './lazy.js';
import { ask } from './asking.js';

/** The most that is read of a body that may hold an offer, in bytes. */
const MAX_OFFER = 64 * 1024;

/** The file that reads, signs and writes other dialects than x402 with a plan. */
export const dialects = () => lazily(() => import('./dialects.js'));

/** One call of `payments.fetch`. */
export class PaidFetch {
  /** The seller's last answer, and the last error that JavaScript threw. */
  #head;
  #cause;
  #isOver = false;
  /** How many requests with a token were begun, and whether none is begun any more: the core will hear of an abort or a time that is over. */
  #paid = 0;
  #isStopped = false;

  constructor(parts) {
    Object.assign(this, parts);
    this.sender.watch((late) => {
      this.#isStopped = true;
      this.#event(late ? 'timedOut' : 'aborted');
    });
  }

  #event(...fields) {
    if (!this.#isOver) this.step('event', this.id, this.#paid, ...fields);
  }

  /** An action failed: the buyer hears of it, and the caller gets the cause. */
  failed(event, cause) {
    this.#cause = cause;
    this.#event(event);
  }

  /** Does one action of the core's. */
  async act(action) {
    if (action.do === 'finish') return this.#finish(action);
    const [failed, work] = WORK[action.do];
    let fields;
    try {
      fields = await work(this, action);
    } catch (cause) {
      return this.failed(failed, cause);
    }
    return this.#event(...fields);
  }

  async sent({ url: to, token, redirect, asGet, dialect, handle }) {
    const speaks = dialect && await dialects();
    const [name, paying] = speaks ? await speaks.header(dialect, handle, token, this.sender.header('authorization', to)) : ['payment-signature', token];
    if (this.#isStopped) return ['sendFailed'];
    if (token) this.#paid += 1;
    const head = await this.sender.send(this.hooks.fetch, to, name, paying, redirect, asGet);
    this.#head?.drop();
    this.#head = head;
    const { status, redirected, at, hidden, to: next } = head;
    return [
      'answered', status, flag(redirected), ...url(at), ...(hidden ? [1] : ['', ...url(next)]),
      value(head.header('payment-required')), value(speaks ? speaks.receipt(dialect, head) : head.header('payment-response')),
      value(status === 402 ? await this.core.others(head) : undefined),
    ];
  }

  async body() { return ['body', value(await this.#head?.text(MAX_OFFER).catch(() => undefined))]; }

  /** Which of several offers: the callback answers with one of them, or its place in the list. */
  async selected(offers) {
    const chosen = await this.sender.asked((async () => this.hooks.select(offers))());
    const place = /^\d+$/.test(chosen) && typeof chosen !== 'object' ? Number(chosen) : offers.indexOf(chosen);
    return ['selected', place < 0 ? '' : place];
  }

  async approved(offer) {
    const given = await this.sender.asked((async () => {
      const answer = await ask(this.hooks.approve, offer, this.core, offer.planId, this.sender);
      if (answer.purchase) await this.core.ordering();
      return answer;
    })());
    if (typeof given !== 'object' || given === null) return ['approved', flag(given === true)];
    const { approve, purchase, remember } = given;
    return ['approved', flag(approve === true), flag(purchase), flag(remember === true), ...delegation(given)];
  }

  #finish({ error, spend, receipt, offers }) {
    const { signal } = this.sender;
    toPublic(spend);
    const head = this.#head;
    if (!error) {
      const result = { ...(head && { response: head.response }), ...(receipt && { receipt: toPublic(receipt) }), spend };
      if (this.hooks.quote) result.offers = toPublic(offers);
      return this.end(() => result);
    }
    const cause = signal?.aborted ? signal.reason : error?.code === 'wallet_refused' ? this.core.refusal : this.#cause;
    const status = error.status ?? head?.status;
    return this.end(() => {
      throw failure(error, { ...(status !== undefined && { status }), spend, ...(head && { response: head.response }), ...(cause !== undefined && { cause }) });
    });
  }

  /** The fetch is over: the promise gets its result. */
  end(result) {
    this.#isOver = true;
    this.forget();
    this.sender.done();
    try {
      this.resolve(result());
    } catch (error) {
      this.reject(error);
    }
  }
}

/** The actions: the event where one fails, and the work. */
const WORK = {
  send: ['sendFailed', (fetch, action) => fetch.sent(action)],
  readBody: ['sendFailed', (fetch) => fetch.body()],
  select: ['approveFailed', (fetch, { offers }) => fetch.selected(toPublic(offers))],
  ask: ['approveFailed', (fetch, { offer }) => fetch.approved(toPublic(offer))],
};
