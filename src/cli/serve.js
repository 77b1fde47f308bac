// A gate in front of an HTTP service, in this process.
import { createServer } from 'node:http';
import { portOf, readJson } from './text.js';
import { UsageError } from './usage-error.js';

/** The largest size of all request headers: a token, and the others beside it. */
const MOST_HEADERS = 64 * 1024;

/** `names` says which flag is which option of the gate. A flag comes before what the file says. */
export async function serve({ routes: file, port = '8787', host = '127.0.0.1', memory, ...flags }, names) {
  if (!flags.origin) throw new UsageError('--origin is missing');
  if (!file) throw new UsageError('--routes is missing');
  const number = portOf(port);
  const { origin, ...given } = Object.fromEntries(Object.entries(flags).map(([flag, value]) => [names[flag], value]));
  const said = read(file);
  const options = { ...said, ...given, ...(given.backend && !given.environment && { environment: 'custom' }), ...(memory && { state: 'memory' }) };
  const { paywall } = await import('../paywall.js');
  const { toNodeListener } = await import('../paywall.node.js');
  const gate = await inOurTerms({ file, inFile: (option) => Object.hasOwn(said, option), given: { origin, ...given }, names }, async () => {
    const made = paywall(origin, options);
    await made.ready();
    return made;
  });
  const server = createServer({ maxHeaderSize: MOST_HEADERS }, toNodeListener(gate));
  await new Promise((done, fail) => {
    server.once('error', (error) => fail(taken(error, number, host)));
    server.listen(number, host, done);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, async () => {
      await gate.close();
      server.closeIdleConnections();
      server.close(() => process.exit(0));
      setTimeout(() => process.exit(0), 5000).unref();
    });
  }
  console.log(`paywall on http://${host.includes(':') ? `[${host}]` : host}:${server.address().port} -> ${origin}`);
  if (given.backend) reach('--backend', given.backend);
  else if (options.backend) reach(`${file}: backend`, options.backend);
  else if (process.env.NVM_API_URL) reach('NVM_API_URL', process.env.NVM_API_URL);
}

const IN_OTHER_WORDS = [['a state (in a Worker the Durable Object binding PAYWALL_STATE)', '--memory'], ['one whose isolate or process dies', 'one that is open when this process ends'], ['several isolates or processes may serve a single-use token at once', 'a single-use token may be served several times at once'], ['where its isolate or process dies before', 'where this process ends before']];
const inOtherWords = (text) => IN_OTHER_WORDS.reduce((said, [from, to]) => said.replaceAll(from, to), String(text));

/** Says what the library says of its options in the words of the command line: by the flag, or by the file and what is in it. */
async function inOurTerms({ file, inFile, given, names }, work) {
  const { warn } = console;
  console.warn = (text) => warn(inOtherWords(text));
  try {
    return await work();
  } catch (error) {
    if (error.code !== 'config_invalid') throw error;
    const said = inOtherWords(error.message);
    const [option] = /^\w+/.exec(error.key ?? '') ?? [];
    if (option === 'handler' || option === 'origin') throw new UsageError(said.replace(option, '--origin'));
    // An empty variable is named as one.
    if (option === 'nvmApiKey' || (option === 'NVM_API_KEY' && !process.env.NVM_API_KEY?.trim())) throw new UsageError(said.replace(option, '--key (or the variable NVM_API_KEY)'));
    const flag = Object.keys(names).find((name) => names[name] === option);
    // Where the platform is, is rather said by a flag than by the file.
    if (flag && (Object.hasOwn(given, option) || (option === 'backend' && !inFile(option)))) throw new UsageError(said.replace(option, `--${flag}`));
    // A variable's name is in capitals: it stands where the process has it.
    throw new UsageError(option && /^[A-Z]/.test(option) ? said : `--routes: ${file}: ${said}`);
  } finally {
    console.warn = warn;
  }
}

function taken(error, port, host) {
  if (error.code === 'EADDRINUSE') return new UsageError(`port ${port} is in use: choose another with --port, or 0 for a free one`);
  if (error.code === 'EACCES') return new UsageError(`port ${port} is not for this user: choose another with --port`);
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'].includes(error.code)) return new UsageError(`--host ${host} is no address of this machine`);
  return error;
}

/** Says so where the platform cannot be reached: each request would be answered 503. */
async function reach(name, backend) {
  try {
    await fetch(backend, { signal: AbortSignal.timeout(5000), redirect: 'manual' });
  } catch (error) {
    console.warn(`${name} ${backend} cannot be reached (${error.cause?.code ?? error.cause?.message ?? error.message}): paid requests are answered 503 until it can`);
  }
}

/** The options of a file: all of them, or the routes alone, all else being denied. */
function read(path) {
  const { $schema, ...options } = readJson('--routes', path);
  // A route has a path.
  return Object.keys(options).length > 0 && Object.keys(options).every((name) => name.includes('/')) ? { routes: options, unlisted: 'deny' } : options;
}
