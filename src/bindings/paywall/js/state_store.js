// Asks the store of the state that must exist only once: the Durable Objects of a binding, or this process.
import { MapRows, SqlRows } from './sql_rows.js';
import { Fields } from './fields.js';
import { call } from './runtime.js';
import { FIRST_PAUSE_MS, MAX_ATTEMPTS, MAX_JOBS } from './shell_limits.js';

/** How long a note waits that can, in milliseconds: until then the next command to its object takes it along. */
const GATHER = 30;
/** The notes that wait, by the id of their object. */
const waiting = new Map();

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** The longest time that a timer counts, in milliseconds. */
const MOST_TIMER = 2 ** 31 - 1;

/** The objects of a namespace: `ask` gives a reply, `tell` says what nobody waits for. */
export function objects(namespace, limits) {
  if (!namespace) return undefined;
  const once = async (question) => {
    const id = namespace.idFromName(question.shard);
    const notes = (waiting.get(`${id}`) ?? []).filter((note) => note !== question);
    waiting.delete(`${id}`);
    const body = [...notes, question].map(({ command }) => command).join('\n');
    const response = await namespace.get(id).fetch('http://state/', { method: 'POST', body, signal: AbortSignal.timeout(limits.timeout) });
    const reply = await response.text();
    if (response.status !== 200) throw new Error(`the state answered ${response.status}`);
    for (const note of notes) note.told = true;
    return reply;
  };
  return {
    // A question may arrive twice, so it is asked again if it fails.
    ask: (question) => once(question).catch(() => once(question)),
    async tell(notes) {
      for (const note of notes) {
        if (notes.canWait) {
          const id = `${namespace.idFromName(note.shard)}`;
          waiting.set(id, [...waiting.get(id) ?? [], note]);
          await pause(GATHER);
          // Each request answers for its own notes, which may arrive twice.
          if (note.told) continue;
        }
        for (let round = 0; round < MAX_ATTEMPTS; round++) {
          try {
            await once(note);
            break;
          } catch (error) {
            // It has to arrive, so it is told again until it does.
            if (round + 1 === MAX_ATTEMPTS) console.error('state: a note was lost:', error?.message, JSON.parse(note.command).do);
            else await pause(FIRST_PAUSE_MS << round);
          }
        }
      }
    },
  };
}

/** Commands of the core on the rows of an object, one on each line, or a note of the dialects: the reply to the last. */
function apply({ core, dialects }, rows, text) {
  if (text[0] === 'n') return dialects.note(rows, text);
  let reply;
  for (const command of text.split('\n')) reply = core.Gate.applyCommand(rows, command, Date.now());
  return reply;
}

/** Does what is due: settles again what may be, and has `ask` tell the seller's book of what is not paid for. */
async function reconcile({ gate, limits, dialects }, rows, ask) {
  for (let round = 0; round < MAX_JOBS; round++) {
    const job = gate.due(rows, Date.now());
    if (!job) break;
    const fields = new Fields(job.action());
    let event;
    if (fields.next() === 'state') {
      const question = { shard: fields.next(), command: fields.rest() };
      event = await ask(question).then(() => 'state\n', () => 'stateFailed\n');
    } else {
      // The end of the path comes first.
      const what = fields.next();
      event = await (dialects?.call ?? call)(fields, limits.timeout, what);
    }
    const lines = job.done(event, Date.now());
    for (const line of lines ? lines.split('\n') : []) console.log(line);
  }
}

/** The Durable Object class of an entry, whose glue `load` gives. `gateOf(env)` resolves to the gate that its alarm works with. */
export const stateClass = (load, gateOf) => class PaywallState {
  #object;

  constructor(context, env) {
    this.#object = durable(context, load, () => gateOf(env));
  }

  fetch(request) {
    return this.#object.fetch(request);
  }

  alarm() {
    return this.#object.alarm();
  }
};

/** Does the work of an object of that class. */
function durable(context, load, gateOf) {
  let kept;
  /** The time that the alarm is set for, as far as this instance knows; undefined where it does not. */
  let alarm;
  const rows = ({ core }) => (kept ??= new SqlRows(context.storage.sql, core.Gate.rowsSchema()));
  const wake = async (next) => {
    if (next === undefined) return;
    alarm ??= (await context.storage.getAlarm()) ?? Infinity;
    // An alarm whose time has come rings, and looks for the next time itself.
    if (next >= alarm) return;
    alarm = next;
    await context.storage.setAlarm(Math.max(next, Date.now()));
  };
  return {
    async fetch(request) {
      const command = await request.text();
      const { around, refresh } = command[0] === 'n' ? await gateOf() : { around: { core: await load() } };
      // The document may have named the dialects since this instance read it.
      if (refresh && !around.dialects) await refresh();
      const reply = apply(around, rows(around), command);
      await wake(rows(around).takeSoonest());
      return new Response(reply);
    },
    async alarm() {
      alarm = Infinity;
      const { around, ask, refresh } = await gateOf();
      await refresh();
      await reconcile(around, rows(around), ask);
      await wake(rows(around).nextDue());
    },
  };
}

/** One map of objects for each gate: what is kept ends with the process. */
const kept = new WeakMap();

/** The state of this process. */
export function memory(around) {
  const { gate } = around;
  if (!kept.has(gate)) kept.set(gate, { objects: new Map(), spared: [], closed: false });
  const all = kept.get(gate);
  const ring = async (shard, object) => {
    object.ringing = true;
    try {
      await reconcile(around, object.rows, ask);
    } catch (error) {
      console.error('state:', error?.message ?? error);
    }
    object.ringing = false;
    if (object.rows.rows.size > 0) wake(shard, object);
    else leave(shard, object);
  };
  const leave = (shard, object) => {
    clearTimeout(object.timer);
    // Another may have come in its place.
    if (all.objects.get(shard) === object) all.objects.delete(shard);
  };
  const wake = (shard, object) => {
    clearTimeout(object.timer);
    const next = object.rows.nextDue();
    if (next === undefined || object.ringing || all.closed) return;
    object.timer = setTimeout(() => ring(shard, object), Math.min(Math.max(next - Date.now(), 0), MOST_TIMER));
    object.timer.unref?.();
  };
  const ask = async ({ shard, command }) => {
    const object = all.objects.get(shard) ?? { rows: new MapRows(all.spared, () => leave(shard, object)) };
    const reply = apply(around, object.rows, command);
    if (object.rows.rows.size > 0) all.objects.set(shard, object);
    wake(shard, object);
    return reply;
  };
  return { ask, tell: (notes) => Promise.all(notes.map(ask)).then(() => {}) };
}

/** Stops the timers of a gate's state. */
export function closeMemory(gate) {
  const all = kept.get(gate);
  if (!all) return;
  all.closed = true;
  for (const { timer } of all.objects.values()) clearTimeout(timer);
}
