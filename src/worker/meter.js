// The body of an answer that is settled behind its head: passed on as it comes, counted, and held open at its end until it
// is known what to add. What it costs is decided elsewhere.

/** The most text of a document or a line that is kept to look for a number in, in the units of a JavaScript string. */
const MOST_TEXT = 256 * 1024;

/**
 * Passes `body` on. `unit` is what is counted beside bytes: '', 'event' or 'token'; `member` is the path of the number that
 * 'token' looks for. `readable` is the new body, `ended` a promise of `{ how, bytes, events, tokens }` as soon as nothing
 * more will go out, `how` being 'whole', 'client' or 'origin'; `finish(tail)` then adds a text, or none, and ends it.
 */
export function meter(body, unit, member, signal) {
  // The runtime's own, where it has one: a writer of it learns that the client is gone.
  const { readable, writable } = globalThis.IdentityTransformStream ? new IdentityTransformStream() : new TransformStream();
  const writer = writable.getWriter();
  const reader = body && readerOf(body);
  const counter = count(unit, member);
  let finish;
  const tail = new Promise((resolve) => { finish = resolve; });
  const gone = new Promise((resolve) => {
    writer.closed.catch(() => resolve('client'));
    signal?.addEventListener('abort', () => resolve('client'));
  });
  const ended = pass().then((how) => ({ how, ...counter.sum() }));
  ended.then(async ({ how }) => {
    if (how === 'client') return reader?.cancel().catch(() => {});
    if (how === 'origin') return writer.abort(new Error('the origin broke off')).catch(() => {});
    const text = await tail;
    if (text) await writer.write(new TextEncoder().encode(counter.gap() + text));
    return writer.close();
  }).catch(() => {});
  return { readable, ended, finish };

  async function pass() {
    let left = false;
    let giveUp;
    // A read that waits ends with the reader.
    gone.then(() => {
      left = true;
      giveUp?.();
      reader?.cancel().catch(() => {});
    });
    for (;;) {
      let chunk;
      try {
        chunk = reader ? await reader.read() : { done: true };
      } catch {
        return left ? 'client' : 'origin';
      }
      if (left) return 'client';
      if (chunk.done) return 'whole';
      // Counted when it is taken, not when it is offered.
      const taken = await new Promise((resolve) => {
        giveUp = resolve;
        writer.write(chunk.value).then(() => resolve(true), resolve);
      });
      if (taken !== true) return 'client';
      counter.add(chunk.value);
    }
  }
}

/** The smallest and the largest buffer of a reader, in bytes. */
const LEAST_PIECE = 16 * 1024;
const MOST_PIECE = 256 * 1024;

/**
 * A reader of large pieces where the runtime has one: each piece costs a few promises. A piece is in the same memory as the one
 * before it, which is done with when the next is read; the memory grows while the pieces fill it.
 */
function readerOf(body) {
  if (!globalThis.IdentityTransformStream) return body.getReader();
  let reader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    // A stream of another kind than bytes.
    return body.getReader();
  }
  let buffer = new ArrayBuffer(LEAST_PIECE);
  return {
    async read() {
      const piece = await reader.read(new Uint8Array(buffer));
      if (!piece.done) {
        buffer = piece.value.buffer;
        const size = buffer.byteLength;
        if (piece.value.length === size && size < MOST_PIECE) buffer = new ArrayBuffer(2 * size);
      }
      return piece;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/**
 * Counts what goes by: bytes always, the events of a `text/event-stream`, the last number at a path of members. `BodyCounter` of the core counts the same
 * (`tests/vectors/body_counts.json`).
 */
export function count(unit, member = '') {
  const decoder = new TextDecoder();
  const path = member.split('.');
  let bytes = 0;
  let events = 0;
  let tokens;
  let line = '';
  let data = false;
  let whole = '';
  let last = '\n\n';
  let afterReturn = false;
  const look = (text) => {
    const found = number(text, path);
    if (found !== undefined) tokens = found;
  };
  const lookAtLine = () => {
    if (line.length <= MOST_TEXT) look(line.replace(/^data: ?/, ''));
  };
  const end = () => {
    if (line === '') {
      if (data) events++;
      data = false;
    } else {
      if (/^data(:|$)/.test(line)) data = true;
      if (unit === 'token') lookAtLine();
    }
    line = '';
  };
  const read = (text) => {
    if (unit === 'token' && whole !== undefined) whole = whole.length + text.length > MOST_TEXT ? undefined : whole + text;
    for (const part of text.split(/(\r\n|\r|\n)/)) {
      if (part === '') continue;
      if (/^[\r\n]/.test(part)) {
        // A line may end in two characters that come in two chunks.
        if (!(afterReturn && part === '\n')) end();
        afterReturn = part === '\r';
        if (part === '\r\n') afterReturn = false;
        continue;
      }
      afterReturn = false;
      // The beginning of a longer line says what it is.
      line += part.slice(0, MOST_TEXT + 1 - line.length);
    }
  };
  return {
    add(chunk) {
      const piece = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
      bytes += piece.byteLength;
      last = (last + String.fromCharCode(...piece.subarray(-4))).slice(-4);
      if (unit === 'event' || unit === 'token') read(decoder.decode(piece, { stream: true }));
    },
    sum() {
      // A letter that was cut off.
      read(decoder.decode());
      if (unit === 'token') {
        lookAtLine();
        // One document over many lines.
        if (tokens === undefined && whole) look(whole);
      }
      return { bytes, events, tokens };
    },
    /** Returns the text that has to stand before an event that is added. */
    gap: () => (/(\n\n|\r\r|\r\n\r\n)$/.test(last) ? '' : /[\r\n]$/.test(last) ? '\n' : '\n\n'),
  };
}

/** The number at a path of members of a JSON document, if it is a whole one. */
function number(text, path) {
  if (!text.includes(`"${path.at(-1)}"`)) return undefined;
  try {
    // A list, a text and a prototype have members too, which are not the document's.
    const found = path.reduce((value, name) => (!Array.isArray(value) && {}.propertyIsEnumerable.call(value, name) ? value[name] : undefined), JSON.parse(text));
    return Number.isSafeInteger(found) && found >= 0 ? Math.abs(found) : undefined;
  } catch {
    return undefined;
  }
}
