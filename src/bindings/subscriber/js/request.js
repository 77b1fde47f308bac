// The caller's request, taken at once and kept so that it can be sent several times.
import { keep } from '../../http/keep.js';
import { problem } from './error.js';

/** The largest one-shot stream that is stored for a second sending, in bytes. */
const MOST = 1024 * 1024;

export const aborted = (cause) => problem('aborted', 'the request was aborted', undefined, { cause });

/** Takes what `fetch` takes. */
export async function take(input, init) {
  let kept;
  try {
    kept = await keep(input, init, MOST);
  } catch (cause) {
    const stopped = [init, input].some((of) => of?.signal?.aborted === true);
    throw stopped ? aborted(cause) : problem('invalid_request', 'the request cannot be made', undefined, { cause });
  }
  if (kept) return kept;
  throw problem('body_not_replayable', "the request's body is a stream too long to be kept for a second sending");
}
