// This application sells the answers of a service, for two credits. While it is built there is no key: the instance is made with the first request.
import { Payments } from 'payments-wasm';

const { SELLER_KEY, SANDBOX, ORIGIN, PLAN, AGENT } = process.env;
export const payments = () => Payments.getInstance({ nvmApiKey: SELLER_KEY, environment: 'custom', backend: SANDBOX });
export const route = { planId: PLAN, agentId: AGENT, credits: 2 };

/** Asks the service. */
export const answered = async (request) =>
  fetch(`${ORIGIN}/ask`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: await request.text() });
