// The payment parts of A2A messages, in the words of versions 0.3 and 1.0 of its JSON-RPC binding.

export const STATUS = 'x402.payment.status';
export const REQUIRED = 'x402.payment.required';
export const PAYLOAD = 'x402.payment.payload';
export const RECEIPTS = 'x402.payment.receipts';
export const ERROR = 'x402.payment.error';

/** The extension of A2A, and that of Nevermined's agent cards. */
export const EXTENSION = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2';
export const CARD_EXTENSION = 'urn:nevermined:payment';

/** The methods that send a message and get one answer, and those that get a stream. */
export const SENDS = new Set(['message/send', 'SendMessage']);
export const STREAMS = new Set(['message/stream', 'SendStreamingMessage']);

/** A payment may have this many characters of JSON. */
const MAX_PAYMENT = 64 * 1024;

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{ kind, data }` of a result or an event: `task`, `message`, `statusUpdate`, `artifactUpdate`. */
export function view(result) {
  if (!isObject(result)) return {};
  if (typeof result.kind === 'string') return { kind: result.kind.replace(/-(\w)/g, (_, letter) => letter.toUpperCase()), data: result };
  const kind = ['task', 'message', 'statusUpdate', 'artifactUpdate'].find((name) => isObject(result[name]));
  return { kind, data: result[kind] };
}

/** The state of a task or an update: `completed`, `input-required`, … */
export const stateOf = (data) => String(data?.status?.state ?? '').replace(/^TASK_STATE_/, '').replaceAll('_', '-').toLowerCase();

/** The id of the task that a result is about. */
export const taskOf = ({ kind, data } = {}) => (kind === 'task' ? data.id : data?.taskId) || undefined;

/** True for a state after which nothing comes without another message. */
export const isEnd = (state) => ['completed', 'failed', 'canceled', 'cancelled', 'rejected', 'input-required', 'auth-required'].includes(state);

const FAILED = ['failed', 'canceled', 'cancelled', 'rejected'];

/** True for an answer that is not charged: the agent failed, refused, or asks for more and has made nothing yet (`made`). */
export const isFree = ({ kind, data } = {}, made) => kind !== 'message' && [...FAILED, ...(made ? [] : ['input-required', 'auth-required'])].includes(stateOf(data));

/** True for a result or an event that has artifacts. */
export const artifactsOf = ({ kind, data } = {}) => kind === 'artifactUpdate' || data?.artifacts?.length > 0;

/** The task of an answer, which in version 1.0 is a member of some and the whole of others. */
export function taskIn(result) {
  const { kind, data } = view(result);
  return kind === 'task' ? data : kind === undefined ? result : undefined;
}

/** A result whose task has no artifacts. */
export function withoutArtifacts(result) {
  const found = taskIn(result);
  if (found?.artifacts === undefined) return result;
  const { artifacts: _, ...task } = found;
  return found === result ? task : { ...result, task };
}

const plain = (name) => name.replaceAll('_', '').toLowerCase();

/** True for an object with a member that some agent takes for one of `names`: in letters of another case, with underscores, or by its prototype. */
export const hasOtherSpelling = (value, names) => isObject(value) && Object.keys(value).some((key) => key === '__proto__' || (!names.includes(key) && names.some((name) => plain(key) === plain(name))));

/** The credits that the agent says it used, in the metadata of a result. */
export function creditsOf({ data } = {}) {
  const said = data?.metadata?.creditsUsed ?? data?.status?.message?.metadata?.creditsUsed;
  return /^\d+$/.test(String(said ?? '')) ? BigInt(said) : undefined;
}

/** The payment in a message; undefined for what is no object or too large. */
export function paymentOf(call) {
  const { metadata } = call.params?.message ?? {};
  const payment = metadata?.[PAYLOAD];
  return isObject(payment) && JSON.stringify(payment).length <= MAX_PAYMENT ? payment : undefined;
}

/** The call without its payment. A task that only asked for one is not the agent's. */
export function withoutPayment(call) {
  const { message } = call.params;
  const metadata = Object.fromEntries(Object.entries(message.metadata ?? {}).filter(([name]) => !name.startsWith('x402.payment.')));
  const own = { ...message, metadata };
  if (Object.keys(metadata).length === 0) delete own.metadata;
  if (String(own.taskId ?? '').startsWith(ASKING)) delete own.taskId;
  return { ...call, params: { ...call.params, message: own } };
}

/** How the ids of tasks begin that only ask for a payment. */
const ASKING = 'payment-';

/** A task of the gate's own, with words and metadata, as the result of a call. */
export function taskResult(call, { state, text, metadata, id, contextId }) {
  const old = call.method.includes('/');
  const { message } = call.params;
  const task = { id: id ?? `${ASKING}${crypto.randomUUID()}`, contextId: contextId || message.contextId || crypto.randomUUID() };
  const said = { messageId: crypto.randomUUID(), taskId: task.id, contextId: task.contextId, metadata };
  const status = { state: old ? state : `TASK_STATE_${state.replaceAll('-', '_').toUpperCase()}`, timestamp: new Date().toISOString() };
  if (old) {
    return { kind: 'task', ...task, status: { ...status, message: { kind: 'message', role: 'agent', parts: [{ kind: 'text', text }], ...said } }, history: [message] };
  }
  return { task: { ...task, status: { ...status, message: { role: 'ROLE_AGENT', parts: [{ text }], ...said } }, history: [message] } };
}

/** A result with more metadata, where clients of the extension look for it. */
export function withMetadata(result, more) {
  const { kind, data } = view(result);
  const add = (one) => ({ ...one, metadata: { ...one.metadata, ...more } });
  const changed = data.status?.message ? { ...data, status: { ...data.status, message: add(data.status.message) } } : add(data);
  return typeof result.kind === 'string' ? changed : { ...result, [kind]: changed };
}
