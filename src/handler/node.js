// A fetch handler as a listener of node:http: streams both ways, and says when the client goes away.

/** Headers of one hop, which fetch knows nothing of; `upgrade` is for the gate to see. */
const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'http2-settings']);

export function toNodeListener(handler, { protocol } = {}) {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on('close', () => { if (!outgoing.writableFinished) gone.abort(new Error('the client went away')); });
    outgoing.on('error', () => {});
    let request;
    try {
      request = await toRequest(incoming, gone.signal, protocol);
    } catch {
      return outgoing.writeHead(400, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end('{"error":"Bad Request","message":"This is no request.","code":"request_malformed"}');
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

async function toRequest(incoming, signal, protocol) {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at].toLowerCase();
    if (!name.startsWith(':') && !HOP.has(name)) headers.append(name, incoming.rawHeaders[at + 1]);
  }
  const host = incoming.headers[':authority'] ?? incoming.headers.host;
  const scheme = protocol ?? (incoming.socket.encrypted ? 'https' : 'http');
  // Put together, not resolved: `//paid` is a path here, and no host. A host of more than a host is none.
  if (!/^[\w.:[\]-]+$/.test(host ?? '')) throw new Error('no host');
  const url = incoming.url.startsWith('/') ? `${scheme}://${host}${incoming.url}` : incoming.url;
  const init = { method: incoming.method, headers, signal };
  if (!['GET', 'HEAD'].includes(incoming.method)) {
    const { Readable } = await import('node:stream');
    Object.assign(init, { body: Readable.toWeb(incoming), duplex: 'half' });
  }
  return new Request(url, init);
}

async function send(response, outgoing, headOnly) {
  const headers = {};
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie' && !HOP.has(name)) headers[name] = value;
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  if (response.statusText && outgoing.req?.httpVersionMajor < 2) outgoing.statusMessage = response.statusText;
  outgoing.writeHead(response.status, headers);
  if (!response.body || headOnly) {
    response.body?.cancel().catch(() => {});
    return outgoing.end();
  }
  // What is there goes out before more is asked for.
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  outgoing.on('close', () => { if (!outgoing.writableFinished) reader.cancel().catch(() => {}); });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return outgoing.end();
    if (outgoing.destroyed) return reader.cancel();
    if (!outgoing.write(value)) {
      await new Promise((ready) => { outgoing.once('drain', ready); outgoing.once('close', ready); });
    }
  }
}
