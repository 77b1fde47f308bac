// A JSON document as a flat text, which the core reads in one piece: to walk an object from WebAssembly is a call for each member.
// Each value is a letter, its content and a NUL; see `codec.rs`.

/** How deep a document may be nested; a deeper one is refused, not followed. */
const MAX_DEPTH = 127;

/** The flat text; undefined for a text that is no JSON. */
export function flatten(text) {
  try {
    const out = [];
    write(JSON.parse(text), MAX_DEPTH, out);
    return out.join('\0');
  } catch {
    return undefined;
  }
}

const escaped = (text) => (/[\0\x01]/.test(text) ? text.replace(/[\0\x01]/g, (letter) => (letter === '\0' ? '\x010' : '\x011')) : text);

function write(value, depth, out) {
  if (typeof value === 'string') out.push(`s${escaped(value)}`);
  // A whole number that a double holds exactly stays whole; a larger one may have been another before it was read.
  else if (typeof value === 'number') out.push(Number.isSafeInteger(value) ? `i${value}` : `d${new BigUint64Array(Float64Array.of(value).buffer)[0]}`);
  else if (typeof value !== 'object' || value === null) out.push(String(value));
  else {
    if (depth === 0) throw new RangeError('too deep');
    const members = Object.entries(value);
    const isList = Array.isArray(value);
    out.push(`${isList ? '[' : '{'}${members.length}`);
    for (const [name, member] of members) {
      if (!isList) out.push(escaped(name));
      write(member, depth - 1, out);
    }
  }
}
