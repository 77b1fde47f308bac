// The flat form of events and actions: one text, a field on each line. The last field may have lines of its own.

export class Fields {
  constructor(text, at = 0) {
    this.text = text;
    this.at = at;
  }

  /** The next field; empty where there is none. */
  next() {
    const end = this.text.indexOf('\n', this.at);
    if (end < 0) return this.rest();
    const field = this.text.slice(this.at, end);
    this.at = end + 1;
    return field;
  }

  number() {
    return Number(this.next());
  }

  /** Pairs, whose number comes before them. */
  pairs() {
    const pairs = [];
    for (let left = this.number(); left > 0; left--) pairs.push([this.next(), this.next()]);
    return pairs;
  }

  /** All that is left. */
  rest() {
    const rest = this.text.slice(this.at);
    this.at = this.text.length;
    return rest;
  }
}

/** Headers as fields. */
export function headerFields(headers) {
  let text = '';
  if (Array.isArray(headers)) for (const [name, value] of headers) text += `\n${name}\n${value}`;
  else headers.forEach((value, name) => { text += `\n${name}\n${value}`; });
  return text;
}

/** Changes headers: `-name` drops all of a name, `+name` adds one, `=name` puts one in place of all. */
export function change(headers, steps) {
  for (const [step, value] of steps) {
    const name = step.slice(1);
    if (step[0] === '-') headers.delete(name);
    else if (step[0] === '+') headers.append(name, value);
    else headers.set(name, value);
  }
  return headers;
}
