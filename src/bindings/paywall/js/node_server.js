// A fetch handler as a listener of node:http: streams both ways, and says when the client goes away.
import { HOP } from './hop.js';
import { NOT_SETTLED } from './runtime.js';

export function toNodeListener(handler, { protocol } = {}) {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new Error('the client went away')); });
    outgoing.on('error', () => {});
    let request;
    try {
      request = toRequest(incoming, outgoing, gone.signal, protocol);
    } catch {
      return refuse(outgoing);
    }
    try {
      const context = { remoteAddr: { hostname: incoming.socket.remoteAddress, port: incoming.socket.remotePort } };
      await send(await handler(request, context), outgoing, incoming.method === 'HEAD');
    } catch (error) {
      if (!gone.signal.aborted) console.error(error);
      if (outgoing.headersSent) return outgoing.destroy();
      outgoing.writeHead(500, { 'content-type': 'application/json' }).end('{"error":"Internal Server Error"}');
    }
  };
}

/** Answers what is no request, before the gate. */
export const refuse = (outgoing) => outgoing.writeHead(400, { 'content-type': 'application/json', 'cache-control': 'no-store', 'payment-response': NOT_SETTLED })
  .end('{"error":"Bad Request","message":"This is no request. Nothing was charged.","code":"request_malformed"}');

/**
 * The address of a request at this path. It is put together, not resolved: `//paid` is a path here, and no host. A host of more than a host is none: its
 * end would be read as the path.
 */
export function addressOf(scheme, host, path) {
  if (!/^[\w.:[\]-]+$/.test(host ?? '')) throw new Error('no host');
  return `${scheme}://${host}${path}`;
}

/** The headers of a request, each as it came. */
export function headersOf({ rawHeaders }) {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at].toLowerCase();
    if (!name.startsWith(':') && !HOP.has(name)) headers.append(name, rawHeaders[at + 1]);
  }
  return headers;
}

function toRequest(incoming, outgoing, signal, protocol) {
  const headers = headersOf(incoming);
  const host = incoming.headers[':authority'] ?? incoming.headers.host;
  const scheme = protocol ?? (incoming.socket.encrypted ? 'https' : 'http');
  const address = addressOf(scheme, host, incoming.url);
  const url = incoming.url.startsWith('/') ? address : incoming.url;
  const init = { method: incoming.method, headers, signal };
  if (['GET', 'HEAD'].includes(incoming.method)) return new Request(url, init);
  if (!incoming.readableDidRead && !incoming.readableEnded) {
    return new Request(url, { ...init, body: bodyOf(incoming, outgoing), duplex: 'half' });
  }
  // A parser in front has read it. What it kept of the bytes is no longer encoded, as parsers have it.
  const kept = keptBody(incoming);
  headers.delete('content-length');
  if (kept !== undefined) headers.delete('content-encoding');
  const request = new Request(url, { ...init, body: kept ?? new ReadableStream(), duplex: 'half' });
  // Nobody can read what is gone: the gate says so.
  if (kept === undefined) request.body.getReader();
  return request;
}

/** The body that a parser in front has kept: its bytes, or a text that was UTF-8; nothing of what was parsed. */
function keptBody({ rawBody, body, headers }) {
  if (rawBody instanceof Uint8Array || typeof rawBody === 'string') return rawBody;
  if (body instanceof Uint8Array) return body;
  if (typeof body === 'string' && !/charset=(?!"?utf-?8)/i.test(headers['content-type'] ?? '')) return body;
  const empty = !('transfer-encoding' in headers) && Number(headers['content-length'] ?? 0) === 0;
  return empty ? '' : undefined;
}

/** The body of a request, read as it is asked for: of one that nobody wants no more is in memory than has come by then. */
function bodyOf(incoming, outgoing) {
  let begun = false;
  let over = false;
  // Data that nobody reads any more is dropped, so that the connection can be used again.
  const leave = () => { over = true; incoming.resume(); };
  outgoing.once('close', leave).once('finish', leave);
  return new ReadableStream({
    pull(controller) {
      if (begun) return void incoming.resume();
      begun = true;
      const end = (how) => {
        if (over) return;
        over = true;
        how();
      };
      const broke = (error) => end(() => controller.error(error ?? new Error('the client went away')));
      incoming
        .on('data', (chunk) => {
          if (over) return;
          incoming.pause();
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        })
        .on('end', () => end(() => controller.close()))
        .on('error', broke)
        .on('close', () => broke());
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}

/** Writes a response. `outgoing` need not be the server's own object, but what can be written to it. */
export async function send(response, outgoing, headOnly) {
  const headers = {};
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie' && !HOP.has(name)) headers[name] = value;
  }
  // Headers that were set before the gate stay: lists and cookies are sent beside the answer's own.
  const before = (name) => [outgoing.getHeader?.(name) ?? []].flat().map(String);
  const cookies = [...before('set-cookie'), ...response.headers.getSetCookie()];
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  for (const name of ['vary', 'access-control-expose-headers']) {
    const members = [...before(name), headers[name] ?? ''].join(',').split(',').map((member) => member.trim()).filter(Boolean);
    if (members.length > 0) headers[name] = [...new Set(members)].join(', ');
  }
  if (response.statusText && outgoing.req?.httpVersionMajor < 2) outgoing.statusMessage = response.statusText;
  if (!response.body || headOnly) {
    outgoing.writeHead(response.status, headers);
    response.body?.cancel().catch(() => {});
    return outgoing.end();
  }
  const reader = response.body.getReader();
  outgoing.on('close', () => { if (!outgoing.writableFinished) reader.cancel().catch(() => {}); });
  const ahead = headers['content-length'] === undefined ? [] : await measured(reader, headers);
  const length = Number(headers['content-length'] ?? Infinity);
  outgoing.writeHead(response.status, headers);
  // The head is sent before more of the body is asked for.
  outgoing.flushHeaders();
  let sent = 0;
  for (;;) {
    const { done, value } = await (ahead.shift() ?? reader.read());
    if (done && sent < length && length !== Infinity) return outgoing.destroy();
    if (done) return outgoing.end();
    if (outgoing.destroyed) return reader.cancel();
    sent += value.byteLength;
    // More than was said would be read as the next answer of this connection.
    if (sent > length) {
      outgoing.destroy();
      return reader.cancel();
    }
    if (!outgoing.write(value)) {
      await new Promise((ready) => {
        const go = () => { outgoing.off('drain', go).off('close', go); ready(); };
        outgoing.on('drain', go).on('close', go);
      });
    }
  }
}

/**
 * Looks at what a body begins with, whose length its headers say: one that is all there and is of another length, since
 * somebody has changed it and not the header, gets the right one. Gives what was read.
 */
async function measured(reader, headers) {
  const first = reader.read();
  const { done, value } = await first.catch(() => ({}));
  if (done) headers['content-length'] = '0';
  if (!value) return [first];
  const second = reader.read();
  const next = await Promise.race([second.catch(() => {}), new Promise((soon) => setImmediate(soon))]);
  const size = value.byteLength;
  if (next?.done) headers['content-length'] = String(size);
  else if (size > Number(headers['content-length'])) delete headers['content-length'];
  return [first, second];
}
