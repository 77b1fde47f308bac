// `payments-wasm/langchain`: paid tools of LangChain. Each call of a tool is a request to the one gate of the package, on a route of its own.
import { paywall } from 'payments-wasm/paywall';
import { fromBase64 } from '../../http/json_base64.js';
import { functionOf, mostOf, ofPayments, wholeNumber } from './of_payments.js';

/** The header in which a price that is known after the call reaches the gate. */
const PRICE = 'x-payments-wasm-credits';
/** The host of the requests to the gate. */
const INSIDE = 'http://tools.localhost';

/** A call that was not paid: `paymentRequired` says what pays it, `code` and `receipt` what became of a payment. */
export class PaymentRequiredError extends Error {
  constructor(message, paymentRequired, { code = 'payment_required', receipt } = {}) {
    super(message);
    this.name = 'PaymentRequiredError';
    this.paymentRequired = paymentRequired;
    this.code = code;
    this.receipt = receipt;
  }
}

let latest;

/** Returns the receipt of the last call of a paid tool in this process, undefined where it was not settled. */
export const lastSettlement = () => latest;

/** Returns the implementation of a tool that is paid for: see the types. */
export function requiresPayment(tool, options) {
  if (typeof tool !== 'function') throw new TypeError('requiresPayment needs the function of the tool first');
  const { payments, planId, agentId, network, credits = 1, ...rest } = options ?? {};
  if (!payments) throw new TypeError('requiresPayment needs payments, an instance of Payments');
  if (typeof planId !== 'string' || planId === '') throw new TypeError('requiresPayment needs planId, the plan whose credits pay');
  const name = encodeURIComponent(tool.name || 'tool');
  const price = functionOf({ credits });
  const account = ofPayments(payments);
  let making;

  async function make() {
    const most = price && await mostOf(payments, { planId, credits });
    const route = { planId, ...(agentId && { agentId }), ...(network && { network }), credits: price ? { by: 'origin', name: PRICE, most } : credits };
    const gate = paywall(() => new Response(null, { status: 404 }), {
      state: 'memory', log: false, publicUrl: 'mcp://tools', ...account, ...rest, routes: { [`POST /${name}`]: route }, unlisted: 'deny',
    });
    await gate.ready();
    return gate;
  }
  const gateOf = () => (making ??= make().catch((error) => {
    making = undefined;
    throw error;
  }));

  const paid = async (args, config, ...others) => {
    latest = undefined;
    const configurable = config?.configurable;
    const token = configurable?.payment_token;
    // The tool and everything that it starts run without the token, and no tracer finds it.
    if (token !== undefined) delete configurable.payment_token;
    const asked = new Request(`${INSIDE}/${name}`, {
      method: 'POST', signal: config?.signal, headers: typeof token === 'string' && token !== '' ? { 'payment-signature': token } : {},
    });
    let answered;
    let failed;
    const response = await (await gateOf()).serve(asked, undefined, undefined, async (_, { paymentContext }) => {
      // The payment without the token.
      if (configurable && paymentContext) configurable.payment_context = { ...paymentContext, token: undefined };
      try {
        answered = { result: await tool(args, config, ...others) };
        return new Response(null, { headers: price ? { [PRICE]: wholeNumber(await price({ args, result: answered.result })) } : {} });
      } catch (error) {
        failed = { error };
        return new Response(null, { status: 500 });
      }
    });
    if (failed) throw failed.error;
    const receipt = fromBase64(response.headers.get('payment-response') ?? '');
    if (response.ok && answered) {
      latest = receipt;
      if (configurable && receipt) configurable.payment_settlement = receipt;
      return answered.result;
    }
    const { error: code, message = `The payment was not possible: ${response.status}` } = await response.json().catch(() => ({}));
    throw new PaymentRequiredError(message, fromBase64(response.headers.get('payment-required') ?? ''), { code, receipt });
  };
  return Object.assign(paid, { ready: async () => { await gateOf(); }, close: async () => { await (await making)?.close(); } });
}

/** Returns an agent of LangGraph whose paid tools throw `PaymentRequiredError` to the caller, in place of a text for the model. */
export async function createPaidReactAgent(model, tools, options = {}) {
  for (const name of ['llm', 'tools']) {
    if (name in options) throw new TypeError(`${name} is an argument of createPaidReactAgent, and no option`);
  }
  const { ToolNode, createReactAgent } = await import('@langchain/langgraph/prebuilt').catch((cause) => {
    throw new Error('createPaidReactAgent needs the package @langchain/langgraph', { cause });
  });
  return createReactAgent({ ...options, llm: model, tools: new ToolNode(tools, { handleToolErrors: false }) });
}
