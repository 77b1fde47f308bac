// Payments that have names: carries out what the core decides (`paywall::dialects::named`).
import { bytes } from '../../http/answer.js';
import { NamedPayment, takeNote } from './gate_dialects_glue.js';

/** The largest body that is kept, in bytes. */
const MAX_BODY = 64 * 1024;

/** A command on the note in the rows of an object of the state: its reply. */
export function note(rows, command) {
  const { reply, text, end, removed } = JSON.parse(takeNote(rows.get('note', ''), command, Date.now()));
  if (text !== undefined) rows.put('note', '', text, end);
  if (removed) rows.remove('note', '');
  return reply;
}

/** A refusal of the core's as an answer. */
export function refused({ refused: status, code, message, retryAfter, receipt }, json) {
  return json(status, code, message, { ...(retryAfter && { 'retry-after': String(retryAfter) }), ...(receipt && { 'payment-response': receipt }) });
}

/**
 * The payment of a name: `{ answer }` where the request is answered by what is there, else `begin`, which claims the name once the payment is verified, and
 * `end`, which keeps the answer. `parts` are what makes two requests the same one.
 */
export async function named({ store, name, parts, json }) {
  const payment = new NamedPayment(name, ...parts);
  const ask = (command) => store.ask({ shard: payment.shard(), command });
  const complain = (error) => console.error('state:', error?.message ?? error);
  const earlier = JSON.parse(payment.earlier(await ask('note')) ?? 'null');
  if (earlier?.refused) return { answer: refused(earlier, json) };
  if (earlier) {
    const { status, headers, body } = earlier;
    return { answer: new Response(body === '' ? null : Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0)), { status, headers }) };
  }
  return {
    /** Claims the name for a payment that was verified; an event. */
    async begin(event, { Fields }) {
      const fields = new Fields(event);
      const [kind, , status] = [fields.next(), fields.next(), fields.number()];
      fields.next();
      const claim = kind === 'answered' ? payment.claim(status, fields.rest(), Date.now()) : undefined;
      if (!claim) return event;
      try {
        if (payment.claimed(await ask(claim))) return event;
      } catch (error) {
        complain(error);
        return `unreachable\n${Date.now()}`;
      }
      return `denied\n${Date.now()}\nThe payment of this name is under way.`;
    },
    /** Keeps the answer that was paid for, or frees the name. */
    async end(response, behind) {
      const end = JSON.parse(payment.end(response.status, response.headers.get('payment-response') ?? undefined) ?? 'null');
      if (!end) return response;
      if (end.refused) return refused(end, json);
      if (end.free) {
        await ask(end.free).catch(complain);
        return response;
      }
      const keep = (body) => ask(payment.keep(response.status, JSON.stringify([...response.headers]), body, Date.now()));
      if (!response.body) {
        await keep('').catch(complain);
        return response;
      }
      const [one, other] = response.body.tee();
      behind(kept(other).then(keep).catch(complain));
      return new Response(one, response);
    },
  };
}

/** A body in base64; undefined for one that is too large to be kept, or that broke off. */
async function kept(stream) {
  const whole = await bytes(stream.getReader(), MAX_BODY).catch(() => undefined);
  if (!whole) return undefined;
  let text = '';
  for (const byte of whole) text += String.fromCharCode(byte);
  return btoa(text);
}
