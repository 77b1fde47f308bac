// Loads a WebAssembly once and explains what stood in its way. The entries share it: each says where its wasm is.

/**
 * The `load` of an entry: it gives the glue, its wasm started. `start` is the glue's own, `open` gives the wasm, `fail(message, facts)` makes the
 * error. Calls that come while it loads wait for the same one; after a failure the next call tries again.
 */
export function loader({ start, glue, open, fail }) {
  let ready;
  const begin = async (source) => {
    const given = await (source ?? open());
    await start({ module_or_path: await readable(typeof given === 'string' || given instanceof URL ? await opened(given) : given) });
    return glue;
  };
  return (source) => (ready ??= begin(source).catch((error) => {
    ready = undefined;
    if (error?.code === 'wasm_load_failed') throw error;
    const { message, hint, retryable = true } = explained(error);
    throw fail(message, { code: 'wasm_load_failed', hint, retryable, cause: error.cause ?? error });
  }));
}

/** Node, Deno and Bun: what a built-in module gives needs no import that a bundler for pages would stumble over. */
const builtin = (name) => globalThis.process?.getBuiltinModule?.(name);

/** Bytes that travelled as text inside a module, packed: no bundler has to know what to do with a .wasm file. */
export async function unpacked(text) {
  const zlib = builtin('node:zlib');
  // The bare name `Buffer` makes Parcel look for a package that imitates it.
  if (zlib) return zlib.gunzipSync(builtin('node:buffer').Buffer.from(text, 'base64'));
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  // A plain loop: `from` with a function is several times slower.
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return new Response(new Response(bytes).body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/**
 * True if the file exists next to the module. A page loads the package unbundled; a bundler may move the file and
 * rename it. `module` is the module's own address, `name` its name in the package. A bundler that does not know such
 * files moves the module and leaves the file behind. Webpack, configured not to take files along, writes the path at
 * build time.
 */
export function isPlaced(url, module, name) {
  // Turbopack's addresses are no whole ones.
  const last = (address) => String(address).split(/[?#]/)[0].split('/').at(-1);
  if (String(url).startsWith('file:')) return false;
  return module === undefined || last(url) !== name.replace('.file.js', '_bg.wasm') || last(module) === name;
}

export const isServer = () => Boolean(builtin('node:fs'));

/** The wasm as a file: compiled while it arrives. Some bundlers for Node write a path in place of an address. */
export async function opened(url) {
  const fs = builtin('node:fs');
  if (!fs || /^(https?|blob|data):/.test(url)) return fetch(url);
  return fs.promises.readFile(/^file:/.test(url) ? new URL(url) : `${url}`);
}

/** The source that the glue accepts. A response with other content is reported before it is compiled. */
async function readable(source) {
  if (typeof source?.arrayBuffer !== 'function' || source.status === undefined) return source;
  const { url: file = '', status, ok } = source;
  const type = source.headers.get('content-type') ?? '';
  if (!ok) throw new Obstacle(`${file} was answered with ${status}`, ELSEWHERE);
  if (source instanceof Response && /^application\/wasm\b/.test(type)) return source;
  const bytes = new Uint8Array(await source.arrayBuffer());
  if (String(bytes.subarray(0, 4)) !== '0,97,115,109') {
    const html = /html/.test(type) || bytes[0] === 0x3c;
    throw new Obstacle(`${file} is ${html ? 'a page of HTML' : 'something else'} and no WebAssembly`,
      html ? `The file is missing. ${ELSEWHERE}` : ELSEWHERE);
  }
  return bytes;
}

/** A reason that is known already. */
class Obstacle extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

const ELSEWHERE = 'Deploy the .wasm file beside the script, give it to `init(source)`, or import from `payments-wasm/inline`, which needs no file.';

/** The reasons as runtimes say them, and what helps. */
const REASONS = [
  [/unsafe-eval|wasm-eval|by CSP/i, "The page's Content-Security-Policy has to allow 'wasm-unsafe-eval' in script-src.", false],
  [/embedder|code generation/i, 'This runtime compiles nothing from bytes: bundle with its condition, workerd or edge-light.', false],
  [/Invalid URL/, 'The bundle has no address of its own: make it an ES module, or give the .wasm file to `init(source)`.', false],
  [/ENOENT|NotFound/, `The bundle left the file behind. ${ELSEWHERE}`, false],
  [/read access|NotCapable/, 'Deno may not read it: --allow-read.', false],
  [/fetch|network|load failed|connection|aborted/i, "The connection broke, or connect-src of the page's Content-Security-Policy does not name the script's origin.", true],
];

function explained(error) {
  const said = `${error?.message ?? error} ${error?.cause?.code ?? ''} ${error?.code ?? ''}`;
  const why = error?.message || String(error);
  if (error instanceof Obstacle) return { message: `the WebAssembly could not be loaded: ${why}`, hint: error.hint };
  const [, hint, retryable] = REASONS.find(([pattern]) => pattern.test(said)) ?? [undefined, `The file is damaged or of another version. ${ELSEWHERE}`, true];
  return { message: `the WebAssembly could not be loaded: ${why}`, hint, retryable };
}
