// The resources of the API as classes, with the official SDK's names and argument orders. What each call sends, the core
// knows by its name.
import { rejecting } from './error.js';
import { read } from './options.js';
import { leave, ways } from './page.js';
import { randomHex } from '../../http/keep.js';

class Resource {
  constructor(session) {
    Object.defineProperty(this, 'session', { value: session });
  }

  /** Arguments that are no text, number or bigint are left out. */
  ask(name, ...given) { return this.session.ask(name, given); }
}

// In the order in which the core takes them.
const paged = (pagination) => {
  const { page, offset, sortBy, sortOrder } = read('PaginationOptions', pagination, 'pagination');
  return [sortBy, sortOrder, page, offset];
};
const flag = (value) => (value === undefined ? undefined : String(value));
const json = (value) => (typeof value === 'object' && value ? JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) : undefined);

/** A longer way. A window is opened before it is loaded: while the click still counts. */
async function journey(name, shape, resource, options, ...given) {
  const wanted = shape && read(shape, options);
  const out = name === 'checkout' || name === 'setupCard' ? leave(resource.session, wanted, randomHex()) : undefined;
  try {
    return await (await ways())[name](resource, wanted, out, ...given);
  } catch (error) {
    out?.popup?.end();
    throw error;
  }
}

class Plans extends Resource {
  getPlan(id) { return this.ask('getPlan', id); }
  getPlans(page, offset, sortBy, sortOrder, options) {
    return this.ask('getPlans', page, offset, sortBy, sortOrder, read('OrganizationOptions', options).organizationId);
  }
  getAgentsAssociatedToAPlan(id, pagination) { return this.ask('getAgentsAssociatedToAPlan', id, ...paged(pagination)); }
  getPlanBalance(id, account) { return this.session.getPlanBalance(id, account); }
  orderPlan(id) { return this.ask('orderPlan', id); }
  orderFiatPlan(planId) { return this.ask('orderFiatPlan', json({ sessionType: 'embedded', planId: String(planId) })); }
  waitForCredits(id, options) { return journey('waitForCredits', 'WaitOptions', this, options, id); }
  checkout(id, options) { return journey('checkout', 'CheckoutOptions', this, options, id); }
  checkoutReturned(options) { return journey('checkoutReturned', 'ReturnOptions', this, options); }
}

class Agents extends Resource {
  getAgent(id) { return this.ask('getAgent', id); }
  getAgentPlans(id, pagination) { return this.ask('getAgentPlans', id, ...paged(pagination)); }
}

class Delegations extends Resource {
  createDelegation(payload) { return this.ask('createDelegation', json(payload && read('CreateDelegationPayload', payload, 'payload'))); }
  listDelegations(options) { return this.ask('listDelegations', flag(read('DelegationListOptions', options).accessible)); }
  revokeDelegation(id) { return this.ask('revokeDelegation', id); }
  listPaymentMethods(options) {
    const { accessible, provider } = read('PaymentMethodListOptions', options);
    return this.ask('listPaymentMethods', flag(accessible), provider);
  }
  updatePaymentMethod(id, changes) { return this.ask('updatePaymentMethod', id, json(changes && read('PaymentMethodChanges', changes, 'changes'))); }
  getPurchasingPower() { return journey('purchasingPower', undefined, this); }
  setupCard(options) { return journey('setupCard', 'CardOptions', this, options); }
  cardReturned() { return journey('cardReturned', undefined, this); }
}

class X402 extends Resource {
  getX402AccessToken(planId, agentId, options) { return this.session.getX402AccessToken(planId, agentId, read('X402TokenOptions', options)); }
  getPermission(hash) { return this.ask('getPermission', hash); }
  listPermissions(pagination) {
    const { page, offset } = read('PaginationOptions', pagination, 'pagination');
    return this.ask('listPermissions', page, offset);
  }
  revokePermission(hash) { return this.ask('revokePermission', hash); }
}

export const RESOURCES = { plans: Plans, agents: Agents, delegation: Delegations, x402: X402 };

rejecting(Object.values(RESOURCES));
