/** The events of a `text/event-stream` body as they arrive: `{ event, data }`. */
export async function* serverSentEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      buffer += value;
      // A line end may be cut between its two characters: keep a trailing \r for the next chunk.
      const blocks = buffer.split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) yield parse(block);
    }
  } finally {
    // Also when the reader of these events stops early: then nobody needs the rest.
    await reader.cancel().catch(() => {});
  }
}

function parse(block) {
  const found = { event: "message", data: [] };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = line.match(/^([^:]*):? ?(.*)$/);
    if (name === "event") found.event = value;
    if (name === "data") found.data.push(value);
  }
  return { event: found.event, data: found.data.join("\n") };
}
