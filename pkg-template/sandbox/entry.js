// The sandbox Worker's entry: loads the wasm, hands calls on. No logic.
import module from "./sandbox_bg.wasm";
import * as app from "./sandbox.js";

app.initSync({ module });

// Everything there is goes to the one object: what happens once has to happen in one place.
export default { fetch: (request, env) => env.SANDBOX.getByName("sandbox").fetch(request) };

// A panic resets the wasm instance, and with it every Rust object that JavaScript holds. This one is made anew when
// that has happened: its storage is all it is, so nothing is lost.
export class Sandbox {
  constructor(...args) {
    this.args = args;
  }

  get live() {
    const { instanceId } = app.__worker_init_state();
    if (this.id !== instanceId) {
      this.object = new app.Sandbox(...this.args);
      this.id = instanceId;
    }
    return this.object;
  }

  fetch(request) {
    return this.live.fetch(request);
  }
}
