// The caller's request, which was taken at the call, kept so that it can be sent several times.
import { keep } from '../../http/keep.js';
import { aborted, problem } from './error.js';

/** The largest one-shot stream that is stored for a second sending, in bytes. */
const MOST = 1024 * 1024;

/** Reads what was taken. */
export async function kept(request) {
  let read;
  try {
    read = await keep(request, MOST);
  } catch (cause) {
    throw request.settings.signal?.aborted === true ? aborted(cause) : problem('invalid_request', 'the request cannot be made', undefined, { cause });
  }
  if (read) return read;
  throw problem('body_not_replayable', "the request's body is a stream too long to be kept for a second sending");
}
