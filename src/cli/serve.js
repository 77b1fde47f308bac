// A gate in front of an HTTP service, in this process.
import { createServer } from 'node:http';
import { readText } from './text.js';
import { Wrong } from './wrong.js';

/** What a token may weigh in a header, and the other headers beside it. */
const MOST_HEADERS = 64 * 1024;

export async function serve({ origin, routes, port = '8787', host = '127.0.0.1', backend, key, memory, 'public-url': publicUrl }) {
  if (!origin) throw new Wrong('--origin is missing');
  if (!routes) throw new Wrong('--routes is missing');
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65535) throw new Wrong('--port is no port');
  const { paywall } = await import('../paywall.js');
  const { toNodeListener } = await import('../paywall.node.js');
  const options = {
    ...read(routes), ...(key && { nvmApiKey: key }), ...(backend && { backend, environment: 'custom' }), ...(memory && { state: 'memory' }), ...(publicUrl && { publicUrl }),
  };
  const gate = paywall(origin, options);
  await gate.ready().catch((error) => { throw error.code === 'config_invalid' ? new Wrong(error.message) : error; });
  const server = createServer({ maxHeaderSize: MOST_HEADERS }, toNodeListener(gate));
  await new Promise((done, fail) => { server.once('error', fail); server.listen(number, host, done); });
  console.log(`paywall on http://${host.includes(':') ? `[${host}]` : host}:${server.address().port} -> ${origin}`);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await gate.close();
      server.closeIdleConnections();
      server.close(() => process.exit(0));
      setTimeout(() => process.exit(0), 5000).unref();
    });
  }
}

/** The options of a file: all of them, or the routes alone, all else being denied. */
function read(path) {
  let value;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    throw new Wrong(`--routes: ${path} cannot be read: ${error.message}`);
  }
  if (typeof value !== 'object' || value === null) throw new Wrong(`--routes: ${path} is no JSON object`);
  return typeof value.routes === 'object' ? value : { routes: value, unlisted: 'deny' };
}
