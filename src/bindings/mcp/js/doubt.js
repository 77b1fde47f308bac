// Messages that a server may read as a call that is paid for, and the gate does not (rule 16): they are refused.
import { PAYABLE, isObject } from './messages.js';

/** The members of a message, and those of its parameters, by which a call is known. */
const MEMBERS = ['jsonrpc', 'id', 'method', 'params'];
const PARAMETERS = ['name', 'uri', '_meta'];

/** True for a message in doubt. `isPaid` says if a request is paid for, and `keyOf` which price a name of a kind has. */
export function isInDoubt(message, { isPaid, keyOf }) {
  if (!isObject(message)) return false;
  // Some servers know members by any case of their letters.
  if (hasOtherCase(message, MEMBERS)) return true;
  const { method } = message;
  const payable = PAYABLE.get(method);
  if (!payable) return typeof method === 'string' && PAYABLE.has(method.trim().toLowerCase());
  const { kind, name } = payable;
  const called = name(message.params);
  // A list of one name is that name to a server that looks it up in an object.
  if (typeof called !== 'string' || hasOtherCase(message.params, PARAMETERS)) return true;
  // A message without an id wants no response: a server may run it all the same, and send one.
  if (message.id === undefined) return isPaid({ ...message, id: 0 });
  // The official server reads a URI as URLs are read.
  const uri = kind === 'resources' && URL.canParse(called) ? keyOf(kind, new URL(called).href) : '*';
  return uri !== '*' && uri !== keyOf(kind, called);
}

const hasOtherCase = (value, names) => Object.keys(value).some((key) => !names.includes(key) && names.some((name) => key.toUpperCase() === name.toUpperCase()));
