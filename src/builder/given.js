// What callers give, where JavaScript has to look at it before the core does.
import { PaymentsError } from '../js/error.js';

export const wrong = (field, what) => new PaymentsError(`${field} must be ${what}`, { code: 'validation', retryable: false });

/** In whose name a call is made; nothing for one's own. */
export function organization(id) {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string' && /^[\w:-]{1,128}$/.test(id)) return id;
  throw wrong('organizationId', 'an id');
}
