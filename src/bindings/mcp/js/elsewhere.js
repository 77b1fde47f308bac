// Results that come on another stream than that of their call: on the stream of a GET (HTTP+SSE, or a POST's stream that is resumed), or in the answer to another
// POST. The gate cannot settle them there, so it does not give them out (rule 16). It knows them by their ids: a paid call goes to the server with an id that the
// gate made up, which holds the client's own.
import { sseStream, withMessage } from './sse.js';

const MARK = 'x402-call:';
const INTERNAL_ERROR = -32603;
const ELSEWHERE = 'The result of this call comes on another stream than that of its call, so it can neither be paid for nor be given out.';
/** How many paths of the old transport are remembered. */
const MOST_PATHS = 100;

/** An id for a paid call, which no client can know beforehand. */
export const markedId = (id) => `${MARK}${crypto.randomUUID()}:${JSON.stringify(id)}`;

export const isMarked = (id) => typeof id === 'string' && id.startsWith(MARK);

export const elsewhere = (id) => ({ jsonrpc: '2.0', id, error: {
  code: INTERNAL_ERROR, message: ELSEWHERE,
  data: { code: 'mcp_result_elsewhere', hint: 'the server answers a call in the response to its POST (Streamable HTTP), or its handlers are sold with withPaywall' },
} });

/** A message, or a list of them, without results of paid calls: the same value where it has none. */
function withoutPaid(found) {
  if (Array.isArray(found)) return found.some((one) => isMarked(one?.id)) ? found.map(withoutPaid) : found;
  return isMarked(found?.id) ? elsewhere(JSON.parse(found.id.slice(found.id.indexOf(':', MARK.length) + 1))) : found;
}

/** The answer to a request that is not paid for, without results of paid calls. `paths` hears of the path for the calls of the old transport. */
export async function withoutResults(response, paths) {
  const type = response.headers.get('content-type') ?? '';
  if (!response.body) return response;
  if (/^text\/event-stream\b/i.test(type)) {
    return new Response(sseStream(response.body, (event) => {
      const { text, data, message } = event;
      const [, path] = /^event: ?endpoint\s*$/m.test(text) ? /^(?:https?:\/\/[^/]+)?(\/[^?#]*)/i.exec(data) ?? [] : [];
      if (path && paths.size < MOST_PATHS) paths.add(path);
      const kept = withoutPaid(message);
      if (kept !== message) return withMessage(text, kept);
      // Some clients read what is no JSON.
      return message === undefined && data.includes(MARK) ? undefined : text;
    }), response);
  }
  if (type && !/json|text\/plain/i.test(type)) return response;
  const text = await response.text();
  const headers = new Headers(response.headers);
  if (!text.includes(MARK)) return new Response(text, { status: response.status, statusText: response.statusText, headers });
  headers.delete('content-length');
  let kept = {};
  try {
    kept = withoutPaid(JSON.parse(text));
  } catch {
    // Nothing of it is given out.
  }
  return new Response(JSON.stringify(kept), { status: response.status, headers });
}

/** The calls that are under way in sessions, by the ids that clients gave them: a cancellation names the one that the server has. */
export class CallsUnderWay {
  #ids = new Map();

  /** Remembers a call, and gives the function that forgets it. */
  add(request, id, marked) {
    const key = this.#key(request, id);
    if (key === undefined) return () => {};
    this.#ids.set(key, marked);
    return () => { if (this.#ids.get(key) === marked) this.#ids.delete(key); };
  }

  /** A message as the server has to read it. */
  translated(request, message) {
    if (message?.method !== 'notifications/cancelled') return message;
    const marked = this.#ids.get(this.#key(request, message.params?.requestId));
    return marked === undefined ? message : { ...message, params: { ...message.params, requestId: marked } };
  }

  /** Without a session a call is told from those of other clients by nothing. */
  #key(request, id) {
    const session = request.headers.get('mcp-session-id');
    return session === null ? undefined : `${session} ${JSON.stringify(id)}`;
  }
}
