// Server-sent events of the MCP transport: a stream of them is read one by one, and written again.

/** The events of a body, each as the text that it came as and the JSON-RPC message in it. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += value ?? '';
      for (let found; (found = /\r\n\r\n|\n\n|\r\r/.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
        yield event(rest.slice(0, found.index));
      }
      if (done) break;
    }
    if (rest.trim()) yield event(rest);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function event(text) {
  const data = text.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n');
  let message;
  try {
    message = data ? JSON.parse(data) : undefined;
  } catch {
    // Something else than a message is passed on as it is.
  }
  return { text, message };
}

/** An event with another message in it: its id and its name stay. */
export function withMessage(text, message) {
  const kept = text.split(/\r\n|\n|\r/).filter((line) => line && !line.startsWith('data:'));
  return [...kept, `data: ${JSON.stringify(message)}`].join('\n');
}
