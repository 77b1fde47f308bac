// Calls of the routes under `/sandbox`.

const SECRET = 'payments-wasm.sandbox.secret';

/** An error of the sandbox, or no response (`status` 0). */
export class Refused extends Error {
  constructor(status, { code, message, hint, correlationId } = {}) {
    super(message ?? `The sandbox answered ${status}`);
    Object.assign(this, { status, code, hint, correlationId });
  }
}

export async function call(method, path, body, headers = {}) {
  const secret = sessionStorage.getItem(SECRET);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }), ...(secret && { authorization: `Bearer ${secret}` }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  } catch {
    throw new Refused(0, { message: 'The sandbox does not answer.' });
  }
  const text = await response.text();
  let json;
  try {
    json = text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new Refused(response.status, { message: 'The sandbox’s answer cannot be read.' });
  }
  if (!response.ok) throw new Refused(response.status, json);
  return json;
}

export const get = (path) => call('GET', path);
export const post = (path, body = {}) => call('POST', path, body);
export const del = (path) => call('DELETE', path);

/** Encodes a path segment. */
export const part = encodeURIComponent;

export const keepSecret = (secret) => (secret ? sessionStorage.setItem(SECRET, secret) : sessionStorage.removeItem(SECRET));
