// The Worker's module: loads the wasm and hands requests over.
import module from './gate_bg.wasm';
import * as app from './gate.js';

app.initSync({ module });

// A panic ends the wasm instance and all that it was doing; the next request gets a new one. Requests that were under way are answered at once.
let panicked = Promise.withResolvers();
let panics = 0;
Object.defineProperty(app.__worker_init_state(), 'criticalError', {
  get: () => false,
  set(value) {
    if (!value) return;
    panics++;
    const { resolve } = panicked;
    panicked = Promise.withResolvers();
    resolve();
  },
});

const failed = () => Response.json({
  error: 'Internal Server Error', code: 'worker_panicked',
  message: 'The Worker failed. Nothing more is charged for this request; a payment that was already being settled may have been taken.',
}, { status: 500, headers: { 'cache-control': 'no-store' } });

export default {
  fetch(request, env, context) {
    // Made here: a response of another request's making cannot be sent.
    const [failure, before] = [failed(), panics];
    const ended = panicked.promise.then(() => failure);
    const answer = (async () => app.fetch(request, env, context))();
    // The request that panics is rejected by the instance as well.
    return Promise.race([ended, answer.catch((error) => (panics > before ? failure : Promise.reject(error)))]);
  },
};

// A new instance has none of the objects of the old one: this one is made again then, and its storage is all it is.
export class PaywallState {
  constructor(...args) {
    this.args = args;
  }

  get live() {
    const { instanceId } = app.__worker_init_state();
    if (this.id !== instanceId) {
      this.object = new app.PaywallState(...this.args);
      this.id = instanceId;
    }
    return this.object;
  }

  fetch(request) {
    return this.live.fetch(request);
  }

  alarm() {
    return this.live.alarm();
  }
}
