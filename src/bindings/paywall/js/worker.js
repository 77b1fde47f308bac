// The paywall Worker that is deployed as it is. Its variables and bindings are its configuration.
import { Fields, headerFields } from './fields.js';
import { createGate } from './paywall.js';

export { reconciler } from './paywall.js';
export { stateClass } from './state_store.js';

const STATE = 'PAYWALL_STATE';

/** The handler of the Worker. `load` gives the glue, `page` the parts of the 402 page, `others` the file of other dialects where the Worker has one. */
export function createWorker(load, page, others, wasm) {
  const isBound = (env, name) => typeof env[name] === 'object' && env[name] !== null;
  const opened = (env) => {
    const variables = { PAGE_FILES: page.PAGE_FILES };
    for (const [name, value] of Object.entries(env)) if (isVariable(value)) variables[name] = value;
    const state = isBound(env, STATE);
    const bindings = [['ORIGIN', 'o'], ['BUCKET', 'b'], ['ASSETS', 'a']].filter(([name]) => isBound(env, name)).map(([, letter]) => letter);
    return { store: state ? 'bound' : undefined, binding: STATE, texts: ['{}', JSON.stringify(variables)], bindings: `w${state ? 's' : ''}${bindings.join('')}` };
  };
  const gate = createGate(load, { hooks: {}, prices: new Map(), files: page.PAGE_CONTENT, opened, others, wasm, objects: originOf, deployed: true });
  return {
    fetch: (request, env, context) => gate.answer(request, env, context, isBound(env, 'ORIGIN') ? (forwarded) => env.ORIGIN.fetch(forwarded) : undefined),
  };
}

/** A text, or JSON all the way down. A binding is neither. */
function isVariable(value) {
  if (typeof value !== 'object' || value === null) return ['string', 'number', 'boolean'].includes(typeof value);
  if (Array.isArray(value)) return value.every((one) => one === null || isVariable(one));
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every((one) => one === null || isVariable(one));
}

/** Origins that are no server: a bucket, or files of the Worker's own. */
const originOf = (env) => async (kind, request) => (kind === 'bucket' ? bucketObject(env.BUCKET, request) : file(env.ASSETS, request));

/** The core's answer for an object, or for none: status, body and headers. */
function answerFor({ init: { method, headers }, gate }, object) {
  const count = [...headers].length;
  const text = `${method}\n${object?.size ?? ''}\n${count}${headerFields(headers)}${object ? headerFields(object.headers) : ''}`;
  const fields = new Fields(gate.forObject(text, object !== undefined));
  return { status: fields.number(), body: fields.next(), offset: fields.number(), length: fields.number(), headers: fields.pairs() };
}

/** An object of the bucket: its head first, so that an answer without a body costs no read of the body. */
async function bucketObject(bucket, request) {
  // An object that is replaced between the two calls is looked at once more.
  for (let round = 0; round < 2; round++) {
    const found = await bucket.head(request.key);
    const { status, body, offset, length, headers } = answerFor(request, found ? headOf(found) : undefined);
    let stream = null;
    if (body !== '') {
      const got = await bucket.get(request.key, { onlyIf: { etagMatches: found.etag }, ...(body === 'part' && { range: { offset, length } }) });
      if (!got?.body) continue;
      stream = got.body;
    }
    const response = new Response(stream, { status, headers, encodeBody: 'manual' });
    return { response, headers, encoded: true };
  }
  throw new Error('it changes too fast');
}

function headOf(found) {
  const headers = new Headers();
  found.writeHttpMetadata(headers);
  if (found.httpEtag) headers.set('etag', found.httpEtag);
  if (found.uploaded) headers.set('last-modified', found.uploaded.toUTCString());
  return { size: found.size, headers };
}

/** A file of the Worker's own, 25 MiB at the most. The server of files knows no parts: a part is cut out of the whole. */
async function file(assets, request) {
  const { url, init } = request;
  const unconditional = new Headers([...init.headers].filter(([name]) => name !== 'range' && !name.startsWith('if-')));
  const whole = await assets.fetch(new Request(url, { ...init, headers: unconditional }));
  if (whole.status !== 200) return { response: whole, headers: whole.headers };
  const parted = init.method === 'GET' && init.headers.has('range');
  const blob = parted ? await whole.blob() : undefined;
  const { status, body, offset, length, headers } = answerFor(request, { size: blob?.size, headers: whole.headers });
  if (body === '') {
    if (!parted) whole.body?.cancel().catch(() => {});
    return { response: new Response(null, { status, headers }), headers };
  }
  const content = parted ? (body === 'part' ? blob.slice(offset, offset + length) : blob) : whole.body;
  return { response: new Response(content, { status, headers }), headers };
}
