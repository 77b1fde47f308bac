// A reporter for `node --test` that prints one JSON line a test, for scripts/lib/suites.mjs to read.

import { stripVTControlCharacters } from 'node:util';

/** The error of a failed test without the wrapping that the runner adds, as a person wants to read it. */
function words(error) {
  const cause = error?.cause ?? error;
  const stack = typeof cause === 'object' ? cause?.stack ?? cause?.message : undefined;
  return stripVTControlCharacters(stack ?? String(cause));
}

export default async function* reporter(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') path.length = data.nesting, path.push(data.name);
    else if (type === 'test:pass' || type === 'test:fail') {
      const { name, nesting, skip, todo, file, details } = data;
      // A test's parts end before it does: its place among its parents is what was started, up to its own depth.
      const line = { type: type.slice(5), name: [...path.slice(0, nesting), name].join(' > '), suite: details?.type === 'suite', file };
      if (skip !== undefined || todo !== undefined) line.skip = skip ?? todo ?? true;
      if (type === 'test:fail') Object.assign(line, { error: words(details?.error), kind: details?.error?.failureType });
      yield `${JSON.stringify(line)}\n`;
    } else if (type === 'test:stdout' || type === 'test:stderr') {
      yield `${JSON.stringify({ type: 'said', file: data.file, text: data.message })}\n`;
    }
  }
}
