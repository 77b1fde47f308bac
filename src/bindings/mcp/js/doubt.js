// Messages that a server may read as a call that is paid for, and the gate does not (rule 16): they are refused.
import { isMarked } from './elsewhere.js';
import { CLOSED, PAYABLE, isObject } from './messages.js';

/** The members of a message, and those of its parameters, by which a call is known. */
const MEMBERS = ['jsonrpc', 'id', 'method', 'params'];
const PARAMETERS = ['name', 'uri', '_meta', 'arguments', 'task'];

/** The most characters of a name or a URI that is called. */
const MAX_NAME = 8192;

/** True for a message in doubt. `isPaid` says if a request is paid for, `keyOf` which price a name of a kind has, and `names` which names have one. */
export function isInDoubt(message, { isPaid, keyOf, names }) {
  // A server may look into lists in lists, and into texts.
  if (!isObject(message) || isMarked(message.id)) return true;
  // Some servers know members by any case of their letters.
  if (hasOtherCase(message, MEMBERS)) return true;
  const { id, method } = message;
  const payable = PAYABLE.get(method);
  if (!payable) {
    const plain = typeof method === 'string' ? method.trim().toLowerCase() : '';
    return PAYABLE.has(plain) || (plain !== method && CLOSED.has(plain));
  }
  if (id !== undefined && typeof id !== 'string' && !Number.isFinite(id)) return true;
  const { kind, name } = payable;
  const called = name(message.params);
  // A list of one name is that name to a server that looks it up in an object.
  if (typeof called !== 'string' || called.length > MAX_NAME || hasOtherCase(message.params, PARAMETERS)) return true;
  // A message without an id wants no response: a server may run it all the same, and send one.
  if (id === undefined) return isPaid({ ...message, id: 0 });
  // Some servers find what they offer by names in any case, or with spaces around them.
  if (keyOf(kind, called) === '*' && called !== '*' && names(kind).some((one) => folded(one) === folded(called))) return true;
  // The official server reads a URI as URLs are read.
  const uri = kind === 'resources' && URL.canParse(called) ? keyOf(kind, new URL(called).href) : '*';
  return uri !== '*' && uri !== keyOf(kind, called);
}

const folded = (name) => name.normalize('NFKC').trim().toLowerCase();

/** True if a URI fits a template in the reading of some server: a variable holds all but a slash, and one with an operator (`{+path}`) anything. */
export const couldFit = (template, uri) => new RegExp(`^${template.split(/(\{[^{}]*\})/).map((part, index) => {
  if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return /^\{\w+\}$/.test(part) ? '[^/]+' : '.*';
}).join('')}$`, 's').test(uri);

/** `__proto__` becomes the members themselves where a server copies an object. */
const hasOtherCase = (value, names) => Object.keys(value).some((key) => key === '__proto__' || (!names.includes(key) && names.some((name) => key.toUpperCase() === name.toUpperCase())));

/** True for a text of JSON with an object that has a name twice: some servers take the first, others the last. */
export function hasTwice(text) {
  const open = [];
  const marks = /["{}[\]]/g;
  const colon = /\s*:/y;
  for (let found; (found = marks.exec(text));) {
    const [mark] = found;
    if (mark === '{') open.push(new Set());
    else if (mark === '[') open.push(undefined);
    else if (mark !== '"') open.pop();
    else {
      marks.lastIndex = endOfString(text, found.index);
      colon.lastIndex = marks.lastIndex;
      if (!colon.test(text)) continue;
      const name = JSON.parse(text.slice(found.index, marks.lastIndex));
      const names = open.at(-1);
      if (names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}

/** The place after a string that begins at `start`: a quotation mark ends it that has an even number of backslashes before it. */
function endOfString(text, start) {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1);
    let before = end;
    while (text[before - 1] === '\\') before -= 1;
    if ((end - before) % 2 === 0) return end + 1;
  }
}
