// `payments-wasm/a2a`: what sells over A2A, and the modules of `@a2a-js/sdk`. Importing it is all that a bundled program needs; in Node `payments.a2a` finds it by
// itself.
import { paywall } from 'payments-wasm/paywall';
import { listen } from '../../mcp/js/listen.js';
import { provide } from './a2a_client.js';
import { paymentAgentCard } from './card.js';
import { problem } from './core.js';
import { createA2aGate } from './gate.js';
import { createAgentHandler } from './server.js';

const sdk = async () => {
  const [server, compat, { Extensions }] = await Promise.all([import('@a2a-js/sdk/server'), import('@a2a-js/sdk/compat/v0_3/server'), import('@a2a-js/sdk')]);
  return { server, compat, Extensions };
};

/** A gate in front of an agent: see the types. */
export const a2aPaywall = createA2aGate(paywall, problem);
export const buildPaymentAgentCard = paymentAgentCard(problem);

export { A2a } from './a2a_client.js';

provide({ a2aPaywall, buildPaymentAgentCard, createAgentHandler, sdk, listen });
