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
    // What was refused stays so, whatever another message of the task cost.
    if (this.#unpaid.get(task) === '') return;
    this.#unpaid.set(task, state);
    if (this.#unpaid.size > MOST_TASKS) this.#unpaid.delete(this.#unpaid.keys().next().value);
  }

  #has(task) { return this.#open.has(task) || this.#unpaid.has(task); }

  /** The closed task that parameters name; undefined where they name none. */
  named(params) {
    const found = [String(params?.id), String(params?.taskId)];
    const look = (value, depth) => {
      if (typeof value === 'string') found.push(value, ...value.split('/'));
      else if (depth < 8 && typeof value === 'object' && value !== null) for (const one of Object.values(value)) look(one, depth + 1);
    };
    look(params, 0);
    return found.find((one) => this.#has(one));
  }

  /** True for a task that asks for more, or failed: its state may be read. */
  isReadable(task) { return !this.#open.has(task) && Boolean(this.#unpaid.get(task)); }

  /** The answer with a task that cost nothing, without its artifacts; undefined where the agent went on since. */
  async read(response, task, call) {
    const message = await response.json().catch(() => undefined);
    if (message?.error) return Response.json(message, { status: response.status });
    const state = stateOf(taskIn(message?.result));
    const isCanceled = /cancel/i.test(call.method) && /^cancell?ed$/.test(state);
    if (!isCanceled && state !== this.#unpaid.get(task)) return undefined;
    if (isCanceled) this.#unpaid.set(task, state);
    return Response.json({ ...message, result: withoutArtifacts(message.result) }, { status: response.status });
  }

  /** A stream of tasks without the events of those that are closed when they come. */
  stream(response) {
    return new Response(sseStream(response.body, ({ text, data, message }) => {
      const task = taskOf(view(message?.result));
      return (message === undefined && data) || (task !== undefined && this.#has(task)) ? undefined : text;
    }), response);
  }
}
