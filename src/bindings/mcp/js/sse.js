// Server-sent events of the MCP transport: a stream of them is read one by one, and written again.

/** The end of an event. */
const END = /\r\n\r\n|\n\n|\r\r/;

/** The events of a body: each as the text that it came as, its data, and the JSON-RPC message in it. They end with the body, or when `signal` comes. */
export async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const leave = () => { reader.cancel().catch(() => {}); };
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave);
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += value ?? '';
      for (let found; (found = END.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
        yield event(rest.slice(0, found.index));
      }
      if (done) break;
    }
    if (rest.trim()) yield event(rest);
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
}

/** The events of a body as another stream, which ends with its reader: `change` gives each one's text, or undefined for one that is left out. */
export function sseStream(body, change) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const encoder = new TextEncoder();
  let rest = '';
  const changed = (text) => {
    const kept = change(event(text));
    return kept === undefined ? '' : `${kept}\n\n`;
  };
  return new ReadableStream({
    async pull(controller) {
      for (let out = ''; out === '';) {
        const { done, value } = await reader.read();
        rest += value ?? '';
        for (let found; (found = END.exec(rest)); rest = rest.slice(found.index + found[0].length)) out += changed(rest.slice(0, found.index));
        if (done && rest.trim()) out += changed(rest);
        if (out) controller.enqueue(encoder.encode(out));
        if (done) return controller.close();
      }
      return undefined;
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function event(text) {
  const data = text.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n');
  let message;
  try {
    message = data ? JSON.parse(data) : undefined;
  } catch {
    // Something else than a message.
  }
  return { text, data, message };
}

/** An event with another message in it: its id and its name stay. */
export function withMessage(text, message) {
  const kept = text.split(/\r\n|\n|\r/).filter((line) => line && !line.startsWith('data:'));
  return [...kept, `data: ${JSON.stringify(message)}`].join('\n');
}
