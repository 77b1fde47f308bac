// The payment parts of MCP messages, and the HTTP headers that say the same.
import { hex } from '../../http/hex.js';
import { toBase64 } from '../../http/json_base64.js';

/** Members of `_meta`: the payment of a request, the receipt of a result, and the receipt as Nevermined's SDKs add it. */
export const PAYMENT = 'x402/payment';
export const RECEIPT = 'x402/payment-response';
export const CREDITS = 'nevermined/credits';
/** The payment of a request by MPP. */
export const CREDENTIAL = 'org.paymentauth/credential';

/** The methods that can be paid for, each with the kind and the name of what it is called on. */
export const PAYABLE = new Map([
  ['tools/call', { kind: 'tools', name: (params) => params?.name }],
  ['resources/read', { kind: 'resources', name: (params) => params?.uri }],
  ['prompts/get', { kind: 'prompts', name: (params) => params?.name }],
]);

/** The methods that give out what another call was made for: the gate does not know if that was paid for. */
export const CLOSED = new Set(['tasks/result']);

/** The codes of JSON-RPC errors that ask for a payment: HTTP's own, MPP's two, and that of Nevermined's SDKs. */
const PAYMENT_CODES = [402, -32042, -32043, -32003];

/** The most that a PaymentRequired or a payment may weigh, in characters of JSON. */
const MAX_JSON = 65_536;

/** An access token from the JSON object that it is in band. */
export const toToken = (payment) => toBase64(payment).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** True for a value of at most so many characters of JSON; false for one that is too deep to be written. */
export function isShort(value, most = MAX_JSON) {
  try {
    return JSON.stringify(value).length <= most;
  } catch {
    return false;
  }
}

/** An object that names a version of x402 and ways to pay. */
const asRequired = (value) => (isObject(value) && value.x402Version !== undefined && Array.isArray(value.accepts) ? value : undefined);

/** The PaymentRequired of a tool's result: structured, or as the text of its first content. */
export function requiredOfResult(result) {
  if (result?.isError !== true) return undefined;
  const structured = asRequired(result.structuredContent);
  if (structured) return structured;
  const [first] = Array.isArray(result.content) ? result.content : [];
  if (first?.type !== 'text' || typeof first.text !== 'string' || first.text.length > MAX_JSON) return undefined;
  try {
    return asRequired(JSON.parse(first.text));
  } catch {
    return undefined;
  }
}

/** The PaymentRequired of a JSON-RPC error. */
export function requiredOfError({ code, data }) {
  if (!PAYMENT_CODES.includes(code)) return undefined;
  return asRequired(data) ?? asRequired(data?.paymentRequired) ?? asRequired(data?.x402);
}

/** The payment of a request, in band; undefined for what is no object or too large. */
export function paymentOf(params) {
  const payment = params?._meta?.[PAYMENT];
  return isObject(payment) && isShort(payment) ? payment : undefined;
}

/** A request without the payment in it: the server behind a gate does not see it. */
export function withoutPayment(message) {
  const meta = message.params?._meta;
  if (meta?.[PAYMENT] === undefined && meta?.[CREDENTIAL] === undefined) return message;
  const { [PAYMENT]: _, [CREDENTIAL]: __, ...rest } = meta;
  return { ...message, params: { ...message.params, _meta: rest } };
}

/** A result with a receipt. */
export function withReceipt(result, receipt, credits) {
  return { ...result, _meta: { ...result?._meta, [RECEIPT]: receipt, ...(credits && { [CREDITS]: credits }) } };
}

/** The result of a tool that was not paid for. */
export const unpaidResult = (required) => ({
  isError: true, structuredContent: required, content: [{ type: 'text', text: JSON.stringify(required) }],
});

/** The path under which terms of one tool, resource or prompt are known: letters that a URL keeps as they are, or hexadecimal. */
export function segment(name) {
  const text = String(name);
  if (/^[a-z0-9_-][a-z0-9_.-]*$/.test(text)) return text;
  return `x-${hex(new TextEncoder().encode(text))}`;
}

/** The payment as the official SDK tells handlers of it, in their last argument; undefined for what is free of charge. It does not hold the token. */
export function contextOf(payment) {
  if (!payment) return undefined;
  const { agentRequestId, agentRequest, agentId, planId, payer, credits, paymentRequired } = payment;
  return {
    authResult: { requestId: agentRequestId, agentId, planId, subscriberAddress: payer, logicalUrl: paymentRequired.resource.url, agentRequest },
    credits, planId, subscriberAddress: payer, agentRequest, extra: { agentRequest },
  };
}
