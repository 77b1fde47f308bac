// The library in this process, between a stub of the facilitator and a handler of the test's own.
import { after, beforeEach } from 'node:test';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { PLAN, SELLER_KEY, startFacilitator, token } from '../workerd/harness.mjs';

export const facilitator = await startFacilitator();
beforeEach(() => facilitator.reset());
after(() => facilitator.stop());

/** Options that a test goes on from. */
export const options = (more = {}) => ({
  nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url, unlisted: 'deny', openRoutes: ['GET /health'], log: false, timeoutMs: 5000,
  routes: { 'POST /ask': { planId: PLAN, credits: 2 } }, ...more,
});

/** The requests that reached the handler, and a gate in front of it. */
export function gated(more, answer = () => Response.json({ answer: 42 })) {
  const requests = [];
  const gate = paywall(async (request, context) => {
    requests.push({ request, ...context });
    return answer(request, context);
  }, options(more));
  const ask = (path = '/ask', { paid = true, headers, ...init } = {}, ...rest) => gate(new Request(`https://shop.example${path}`, {
    method: 'POST', ...init, headers: { ...(paid && { 'payment-signature': token() }), ...headers },
  }), ...rest);
  return { gate, requests, ask };
}

/** Captures printed lines instead of printing them; `work` receives the lines so far. */
export async function captureLog(work) {
  const said = [];
  const was = { error: console.error, warn: console.warn, log: console.log };
  for (const name of Object.keys(was)) console[name] = (...parts) => said.push(parts.join(' '));
  try {
    await work(said);
  } finally {
    Object.assign(console, was);
  }
  return said.join('\n');
}
