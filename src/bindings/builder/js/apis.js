// The classes of the parts by the official SDK's names: `DelegationAPI.getInstance(options)` is `Payments.getInstance(options).delegation`.
import { RESOURCES, instanceOf } from './core.js';

/** The class of a part. `options` are those of `Payments.getInstance`, or `payments.options`, which gives the part of that instance. */
const api = (part) => Object.assign(RESOURCES[part], { getInstance: (options) => instanceOf(options)[part] });

export const PlansAPI = /* @__PURE__ */ api('plans');
export const AgentsAPI = /* @__PURE__ */ api('agents');
export const X402TokenAPI = /* @__PURE__ */ api('x402');
export const DelegationAPI = /* @__PURE__ */ api('delegation');
export const FacilitatorAPI = /* @__PURE__ */ api('facilitator');
export const AgentRequestsAPI = /* @__PURE__ */ api('requests');
export const OrganizationsAPI = /* @__PURE__ */ api('organizations');
export const ContractsAPI = /* @__PURE__ */ api('contracts');
export const OrdersAPI = /* @__PURE__ */ api('orders');
export const MppAPI = /* @__PURE__ */ api('mpp');
export const ObservabilityAPI = /* @__PURE__ */ api('observability');
