// The class of `payments-wasm/builder`, and how it is made.
import { organization, wrong } from './given.js';
import { Observability } from './observability.js';
import { Agents, Contracts, Delegations, Facilitator, Mpp, Orders, Organizations, Plans, Requests } from './resources.js';
import { send, told } from './wires.js';

const TIMEOUT_MS = 30_000;

/** Makes the class of an entry: `load` gives the glue as soon as the wasm is there. */
export function createBuilder(load) {
  return class Payments {
    #seller;
    #house;

    static async getInstance(options) {
      return new Payments(await load(), options);
    }

    /** `core` is the glue; instances are made by `getInstance`. */
    constructor(core, options) {
      if (typeof options !== 'object' || !options) throw wrong('options', 'an object');
      const { nvmApiKey, environment, backend, organizationId, fetch, timeoutMs = TIMEOUT_MS, helicone } = options;
      if (fetch !== undefined && typeof fetch !== 'function') throw wrong('fetch', 'a function');
      if (!(Number.isInteger(timeoutMs) && timeoutMs > 0)) throw wrong('timeoutMs', 'a whole number above zero');
      if (helicone !== undefined && !/^https?:\/\/./.test(helicone)) throw wrong('helicone', 'an http or https URL');
      const seller = told(() => new core.Seller(JSON.stringify({ nvmApiKey, environment, backend })));
      this.#seller = seller;
      this.#house = { core, seller, organization: undefined, fetch, timeoutMs: Math.min(timeoutMs, 2 ** 31 - 1) };
      this.setOrganizationId(organizationId);
      const ask = (name, given = {}, organization = this.#house.organization) =>
        send({ ...this.#house, organization: organization ?? undefined }, name, given);
      const contracts = new Contracts(ask);
      const parts = {
        plans: new Plans(ask, seller, contracts), agents: new Agents(ask), facilitator: new Facilitator(ask), requests: new Requests(ask),
        organizations: new Organizations(ask), contracts, orders: new Orders(ask), mpp: new Mpp(ask), delegation: new Delegations(ask),
        observability: new Observability(seller, helicone),
      };
      for (const [name, part] of Object.entries(parts)) Object.defineProperty(this, name, { value: part, enumerable: true });
    }

    get environmentName() { return this.#seller.environment; }

    getEnvironmentName() { return this.environmentName; }

    getAccountAddress() { return this.#seller.account; }

    getOrganizationId() { return this.#house.organization; }

    setOrganizationId(organizationId) {
      this.#house.organization = organization(organizationId);
    }
  };
}
