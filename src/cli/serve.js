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
  const gate = await inOurTerms(async () => {
    const made = paywall(origin, options);
    await made.ready();
    return made;
  });
  const server = createServer({ maxHeaderSize: MOST_HEADERS }, toNodeListener(gate));
  await new Promise((done, fail) => {
    server.once('error', (error) => fail(taken(error, number, host)));
    server.listen(number, host, done);
  });
  console.log(`paywall on http://${host.includes(':') ? `[${host}]` : host}:${server.address().port} -> ${origin}`);
  if (backend) reach(backend);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await gate.close();
      server.closeIdleConnections();
      server.close(() => process.exit(0));
      setTimeout(() => process.exit(0), 5000).unref();
    });
  }
}

/** What the library calls its options, as they are called here. */
const NAMES = { nvmApiKey: '--key (or the variable NVM_API_KEY)', backend: '--backend', origin: '--origin', handler: '--origin', publicUrl: '--public-url' };
const IN_OTHER_WORDS = [['the Durable Object binding PAYWALL_STATE', '--memory'], ['one whose isolate dies', 'one that this process does not live to see'], ['to several isolates at once', 'several times at once']];

/** Says what the library says of its options in the words of the command line. */
async function inOurTerms(work) {
  const { warn } = console;
  console.warn = (text) => warn(IN_OTHER_WORDS.reduce((said, [from, to]) => said.replace(from, to), String(text)));
  try {
    return await work();
  } catch (error) {
    if (error.code !== 'config_invalid') throw error;
    throw new Wrong(Object.hasOwn(NAMES, error.key) ? error.message.replace(error.key, NAMES[error.key]) : error.message);
  } finally {
    console.warn = warn;
  }
}

function taken(error, port, host) {
  if (error.code === 'EADDRINUSE') return new Wrong(`port ${port} is in use: choose another with --port, or 0 for a free one`);
  if (error.code === 'EACCES') return new Wrong(`port ${port} is not for this user: choose another with --port`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') return new Wrong(`--host ${host} is no address of this machine`);
  return error;
}

/** Says so where the platform cannot be reached: each request would be answered 503. */
async function reach(backend) {
  try {
    await fetch(backend, { signal: AbortSignal.timeout(5000), redirect: 'manual' });
  } catch (error) {
    console.warn(`--backend ${backend} cannot be reached (${error.cause?.code ?? error.cause?.message ?? error.message}): paid requests are answered 503 until it can`);
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
