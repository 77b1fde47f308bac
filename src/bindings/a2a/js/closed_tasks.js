// The tasks whose messages are not paid for: nobody gets by their ids what the agent made (rule 16). They are known in this process.
import { sseStream } from '../../mcp/js/sse.js';
import { stateOf, taskIn, taskOf, view, withoutArtifacts } from './wire.js';

/** How many tasks are remembered that were not paid for. */
const MOST_TASKS = 10_000;

export class ClosedTasks {
  /** By their ids: the state that cost nothing, or an empty text where settlement was refused. */
  #unpaid = new Map();
  /** How many messages of a task are under way. */
  #open = new Map();

  /** A message of a task goes to the agent, or an event says which task it is. */
  begin(way, task) {
    if (typeof task !== 'string' || task === '') return;
    way.tasks ??= new Set();
    if (way.tasks.has(task)) return;
    way.tasks.add(task);
    this.#open.set(task, (this.#open.get(task) ?? 0) + 1);
  }

  /** The message has its outcome. */
  end({ tasks = new Set(), task, answered, hasAnswered }, { unpaid, free }) {
    for (const one of tasks) {
      const others = this.#open.get(one) - 1;
      if (others > 0) this.#open.set(one, others);
      else this.#open.delete(one);
    }
    // An agent that refuses a message has made nothing of it.
    if (free && hasAnswered && answered.error && !task) return;
    for (const one of new Set([...tasks, ...(answered && task ? [task] : [])])) {
      if (unpaid || free) this.#close(one, free ? stateOf(view(answered.result).data) : '');
      else this.#unpaid.delete(one);
    }
  }

  #close(task, state) {
    // A refused task stays refused, whatever another message of it cost.
    if (this.#unpaid.get(task) === '') return;
    this.#unpaid.set(task, state);
    if (this.#unpaid.size > MOST_TASKS) this.#unpaid.delete(this.#unpaid.keys().next().value);
  }

  #has(task) { return this.#open.has(task) || this.#unpaid.has(task); }

  /** True for parameters that name a closed task: any but one that asks for more or failed (`readable`), whose state may be read. */
  isNamed(params, { readable }) {
    const isClosed = (task) => this.#has(task) && !(readable && !this.#open.has(task) && this.#unpaid.get(task));
    const look = (value, depth) => {
      if (typeof value === 'string') return isClosed(value) || value.split('/').some(isClosed);
      return depth < 8 && typeof value === 'object' && value !== null && Object.values(value).some((one) => look(one, depth + 1));
    };
    return isClosed(String(params?.id)) || isClosed(String(params?.taskId)) || look(params, 0);
  }

  /** The answer with a task. One that cost nothing has no artifacts; undefined for another closed one, and where the agent went on since. */
  async read(response, { method }) {
    const text = await response.text();
    const headers = new Headers(response.headers);
    for (const name of ['content-length', 'content-encoding']) headers.delete(name);
    const { status } = response;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return undefined;
    }
    const found = taskIn(message?.result ?? undefined);
    if (!this.#has(found?.id)) return new Response(text, { status, headers });
    const state = stateOf(found);
    const isCanceled = /cancel/i.test(method) && /^cancell?ed$/.test(state) && Boolean(this.#unpaid.get(found.id));
    if (this.#open.has(found.id) || (!isCanceled && state !== this.#unpaid.get(found.id)) || state === '') return undefined;
    this.#unpaid.set(found.id, state);
    return new Response(JSON.stringify({ ...message, result: withoutArtifacts(message.result) }), { status, headers });
  }

  /** A stream of tasks without the events of those that are closed when they come. */
  stream(response) {
    return new Response(sseStream(response.body, ({ text, data, message }) => {
      const task = taskOf(view(message?.result));
      return (message === undefined && data) || (task !== undefined && this.#has(task)) ? undefined : text;
    }), response);
  }
}
