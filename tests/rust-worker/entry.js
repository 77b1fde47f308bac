// The Worker's module: loads the wasm, hands requests over.
import module from './gate_bg.wasm';
import * as app from './gate.js';

app.initSync({ module });

export default { fetch: (request, env, context) => app.fetch(request, env, context) };

// A panic resets the wasm instance, and with it every Rust object that JavaScript holds: this one is made anew then, and
// its storage is all it is.
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
