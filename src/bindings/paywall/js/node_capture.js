// Captures as a `Response` what handlers write to a response of node:http. Nothing is sent meanwhile.

/** Statuses whose answers have no body. */
const BODILESS = new Set([204, 205, 304]);

/**
 * Takes what is written to `outgoing` from now on: `{ response, ended, real, release }`. `response` resolves with the head, or, where it is to be `whole`,
 * at the end. `real` is what really writes. `release` gives the object its own methods back.
 */
export function captured(outgoing, { whole }) {
  // Somebody in front may have changed them.
  const own = { writeHead: outgoing.writeHead, write: outgoing.write, end: outgoing.end, flushHeaders: outgoing.flushHeaders };
  const parts = [];
  let stream;
  let resolve;
  let begun = false;
  const state = { ended: false, response: new Promise((done) => { resolve = done; }) };

  const head = () => {
    begun = true;
    const headers = new Headers();
    for (const [name, value] of Object.entries(outgoing.getHeaders())) {
      for (const one of [value].flat()) headers.append(name, String(one));
      // The gate's answer has them; what stays here would stand beside them.
      outgoing.removeHeader(name);
    }
    return { status: outgoing.statusCode, ...(outgoing.statusMessage && { statusText: outgoing.statusMessage }), headers };
  };
  const begin = () => {
    if (begun || whole) return;
    const init = head();
    if (BODILESS.has(init.status)) return void resolve(new Response(null, init));
    const body = new ReadableStream({
      start(controller) { stream = controller; },
      pull() { outgoing.emit('drain'); },
      cancel() { stream = undefined; },
    }, { highWaterMark: 16 });
    resolve(new Response(body, init));
  };
  const bytesOf = (chunk, encoding) => (typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk);
  const called = (given) => given.find((one) => typeof one === 'function');

  outgoing.writeHead = (status, ...more) => {
    outgoing.statusCode = status;
    const reason = more.find((one) => typeof one === 'string');
    const given = more.find((one) => typeof one === 'object' && one) ?? {};
    if (reason) outgoing.statusMessage = reason;
    const pairs = Array.isArray(given) ? (Array.isArray(given[0]) ? given : given.flatMap((name, at) => (at % 2 ? [] : [[name, given[at + 1]]]))) : Object.entries(given);
    for (const [name, value] of pairs) if (value !== undefined) outgoing.setHeader(name, value);
    return outgoing;
  };
  outgoing.flushHeaders = begin;
  outgoing.write = (chunk, ...more) => {
    if (state.ended) return false;
    begin();
    const bytes = bytesOf(chunk, more[0]);
    if (whole) parts.push(bytes);
    else stream?.enqueue(new Uint8Array(bytes));
    const done = called(more);
    if (done) queueMicrotask(done);
    return whole || (stream?.desiredSize ?? 1) > 0;
  };
  outgoing.end = (chunk, ...more) => {
    if (state.ended) return outgoing;
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') {
      if (begun || whole) outgoing.write(chunk, more[0]);
      else parts.push(bytesOf(chunk, more[0]));
    }
    state.ended = true;
    if (begun) {
      stream?.close();
    } else {
      const init = head();
      const body = Buffer.concat(parts);
      resolve(new Response(BODILESS.has(init.status) || body.length === 0 ? null : body, init));
    }
    const done = called([chunk, ...more]);
    if (done) outgoing.once('finish', done);
    return outgoing;
  };
  Object.defineProperty(outgoing, 'headersSent', { get: () => begun || state.ended, configurable: true });
  Object.defineProperty(outgoing, 'writableEnded', { get: () => state.ended, configurable: true });

  const bound = (name) => outgoing[name].bind(outgoing);
  const real = {
    ...Object.fromEntries(Object.entries(own).map(([name, method]) => [name, method.bind(outgoing)])),
    on: bound('on'), off: bound('off'), destroy: bound('destroy'), getHeader: bound('getHeader'), req: outgoing.req,
    get destroyed() { return outgoing.destroyed; },
    get writableFinished() { return outgoing.writableFinished; },
    set statusMessage(text) { outgoing.statusMessage = text; },
  };
  return Object.assign(state, {
    real,
    release() {
      for (const name of ['headersSent', 'writableEnded']) delete outgoing[name];
      Object.assign(outgoing, own);
    },
  });
}
