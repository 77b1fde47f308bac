// The paywall Worker: loads the wasm, hands requests over, and with each what the 402 page is made of.
import module from './gate_bg.wasm';
import * as app from './gate.js';
import * as page from './page.js';

app.initSync({ module });

export default {
  fetch(request, env, context) {
    const answer = app.fetch(request, { ...env, ...page }, context);
    // A client that goes away does not stop it halfway: what was claimed is given back, what was sent is closed.
    context.waitUntil(answer);
    return answer;
  },
};

// A panic resets the wasm instance, and with it every Rust object that JavaScript holds. This one is made anew when that
// has happened: its storage is all it is, so nothing is lost.
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
