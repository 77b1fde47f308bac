// The paywall Worker: loads the wasm, hands requests over.
import module from './gate_bg.wasm';
import { initSync, fetch as answer } from './gate.js';

initSync({ module });

export default { fetch: (request, env, context) => answer(request, env, context) };
