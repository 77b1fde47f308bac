// A fetch handler as a server of Node.

/** Serves a handler in Node. */
export async function listen(handler, { port, host }) {
  const [{ createServer }, { toNodeListener }] = await Promise.all([import('node:http'), import('payments-wasm/paywall/node')]);
  // A token may have 16 KiB, which is Node's default limit for all headers.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, toNodeListener(handler));
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}
