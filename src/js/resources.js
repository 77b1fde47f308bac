// The resources of the API as classes, with the official SDK's names and argument orders. What each call sends, the core
// knows by its name.
import { leave, ways } from './page.js';

/** A resource of that name. */
export const resource = (name, core) => new RESOURCES[name](core);

class Resource {
  constructor(core) {
    Object.defineProperty(this, 'core', { value: core });
  }

  /** What is no text, number or bigint is left out. */
  ask(name, ...given) { return this.core.ask(name, given); }
}

// In the order in which the core takes them.
const paged = ({ page, offset, sortBy, sortOrder } = {}) => [sortBy, sortOrder, page, offset];
const flag = (value) => (value === undefined ? undefined : String(value));
const json = (value) => (typeof value === 'object' && value ? JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) : undefined);

/** A longer way. A window is opened before it is loaded: while the click still counts. */
async function journey(name, resource, options, ...given) {
  const out = name === 'checkout' || name === 'setupCard' ? leave(resource.core, options) : undefined;
  try {
    return await (await ways())[name](resource, options ?? {}, out, ...given);
  } catch (error) {
    out?.popup?.close();
    throw error;
  }
}

class Plans extends Resource {
  getPlan(id) { return this.ask('getPlan', id); }
  getPlans(page, offset, sortBy, sortOrder, options) { return this.ask('getPlans', page, offset, sortBy, sortOrder, options?.organizationId); }
  getAgentsAssociatedToAPlan(id, pagination) { return this.ask('getAgentsAssociatedToAPlan', id, ...paged(pagination)); }
  getPlanBalance(id, account) { return this.core.getPlanBalance(id, account); }
  orderPlan(id) { return this.ask('orderPlan', id); }
  orderFiatPlan(planId) { return this.ask('orderFiatPlan', json({ sessionType: 'embedded', planId: String(planId) })); }
  waitForCredits(id, options) { return journey('waitForCredits', this, options, id); }
  checkout(id, options) { return journey('checkout', this, options, id); }
  checkoutReturned(options) { return journey('checkoutReturned', this, options); }
}

class Agents extends Resource {
  getAgent(id) { return this.ask('getAgent', id); }
  getAgentPlans(id, pagination) { return this.ask('getAgentPlans', id, ...paged(pagination)); }
}

class Delegations extends Resource {
  createDelegation(payload) { return this.ask('createDelegation', json(payload)); }
  listDelegations(options) { return this.ask('listDelegations', flag(options?.accessible)); }
  revokeDelegation(id) { return this.ask('revokeDelegation', id); }
  listPaymentMethods(options) { return this.ask('listPaymentMethods', flag(options?.accessible), options?.provider); }
  updatePaymentMethod(id, changes) { return this.ask('updatePaymentMethod', id, json(changes)); }
  getPurchasingPower() { return journey('purchasingPower', this); }
  setupCard(options) { return journey('setupCard', this, options); }
  cardReturned() { return journey('cardReturned', this); }
}

class X402 extends Resource {
  getX402AccessToken(planId, agentId, options) { return this.core.getX402AccessToken(planId, agentId, options); }
  getPermission(hash) { return this.ask('getPermission', hash); }
  listPermissions(pagination) { return this.ask('listPermissions', pagination?.page, pagination?.offset); }
  revokePermission(hash) { return this.ask('revokePermission', hash); }
}

const RESOURCES = { Plans, Agents, Delegations, X402 };
