// Payments that have names (the x402 extension `payment-identifier`): a request that is sent again under the same name gets the answer that was
// paid for, and is not paid for twice.

/** The time for which an answer is kept, and for which a request may be under way, in milliseconds. */
const KEEP = 3_600_000;
const LEASE = 900_000;
/** The largest body that is kept, in bytes. */
const MAX_BODY = 64 * 1024;

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
const digest = async (text) => hex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

/**
 * A note in the rows of an object of the state, a text for some time: `note` gives it, `note TIME` and a text on the next line writes one where there is none, `note! TIME` in any
 * case.
 */
export function note(rows, command) {
  const [, over, until, text] = /^note(!?)(?: (\d+)\n(.*))?$/s.exec(command);
  const [, ends, found] = /^(\d+)\n(.*)$/s.exec(rows.get('note', '') ?? '') ?? [];
  const there = ends > Date.now() ? found : '';
  if (!until || (there && !over)) return there;
  if (until > Date.now()) rows.put('note', '', `${until}\n${text}`, Number(until));
  else rows.remove('note', '');
  return '';
}

/**
 * The record of a name: `{ answer }` where the request is answered by it, else `begin`, which claims the name once the payment is verified, and `end`,
 * which keeps the answer. `parts` are what makes two requests the same one: method, URL, payment, body.
 */
export async function named({ store, identifier, parts, json }) {
  const shard = `name:${(await digest(identifier)).slice(0, 32)}`;
  const print = await digest(JSON.stringify(parts));
  // The store gives what is there already, and writes nothing then; nothing where it wrote.
  const note = (text, until, over = '') => store.ask({ shard, command: `note${over} ${until}\n${text}` });
  const refuse = (found) => {
    if (found.print !== print) return json(409, 'payment_identifier_conflict', 'This name belongs to another payment or another request.');
    if (found.state === 'begun') return json(409, 'payment_in_progress', 'The request with this payment is under way.', { 'retry-after': '1' });
    const headers = new Headers(found.headers);
    if (found.body === undefined) {
      const message = 'This request was paid for and answered, and its answer is not kept.';
      const said = json(409, 'payment_answer_gone', message);
      if (headers.has('payment-response')) said.headers.set('payment-response', headers.get('payment-response'));
      return said;
    }
    return new Response(found.body === '' ? null : Uint8Array.from(atob(found.body), (letter) => letter.charCodeAt(0)), { status: found.status, headers });
  };
  const there = await store.ask({ shard, command: 'note' });
  if (there) return { answer: refuse(JSON.parse(there)) };
  let [claimed, lost] = [false, false];
  return {
    /** Claims the name for a payment that was verified; an event. */
    async begin(event, { Fields }) {
      const fields = new Fields(event);
      const [kind, , status] = [fields.next(), fields.next(), fields.number()];
      fields.next();
      let valid = false;
      try {
        valid = kind === 'answered' && status >= 200 && status < 300 && JSON.parse(fields.rest()).isValid === true;
      } catch {
        // The gate says so.
      }
      if (!valid || claimed) return event;
      let found;
      try {
        found = await note(JSON.stringify({ state: 'begun', print }), Date.now() + LEASE);
      } catch (error) {
        console.error('state:', error?.message ?? error);
        return `unreachable\n${Date.now()}`;
      }
      [claimed, lost] = [!found, Boolean(found)];
      return claimed ? event : `denied\n${Date.now()}\nThe payment of this name is under way.`;
    },
    /** Keeps the answer that was paid for, or frees the name. */
    async end(response, behind) {
      if (lost) return json(409, 'payment_in_progress', 'The request with this payment is under way.', { 'retry-after': '1' });
      if (!claimed) return response;
      const header = response.headers.get('payment-response');
      const uncharged = !response.ok || (header !== null && isRefusal(header));
      if (uncharged) {
        await note('', 0, '!').catch((error) => console.error('state:', error?.message ?? error));
        return response;
      }
      const record = { state: 'done', print, status: response.status, headers: [...response.headers] };
      const write = (body) => note(JSON.stringify({ ...record, body }), Date.now() + KEEP, '!');
      if (!response.body) {
        await write('').catch((error) => console.error('state:', error?.message ?? error));
        return response;
      }
      const [one, other] = response.body.tee();
      behind(kept(other).then(write).catch((error) => console.error('state:', error?.message ?? error)));
      return new Response(one, response);
    },
  };
}

function isRefusal(header) {
  try {
    return JSON.parse(atob(header)).success === false;
  } catch {
    return false;
  }
}

/** A body in base64; undefined for one that is too large to be kept, or that broke off. */
async function kept(stream) {
  const parts = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > MAX_BODY) {
        reader.cancel().catch(() => {});
        return undefined;
      }
      parts.push(value);
    }
  } catch {
    return undefined;
  }
  let text = '';
  for (const byte of new Uint8Array(await new Blob(parts).arrayBuffer())) text += String.fromCharCode(byte);
  return btoa(text);
}
