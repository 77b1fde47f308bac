// The class of `payments-wasm/builder`, and how it is made. It is there at once: the WebAssembly is loaded by the first call.
import { problem, seenFrom } from '../../subscriber/js/error.js';
import { readKey } from '../../subscriber/js/api_key.js';
import { missing, read } from '../../subscriber/js/options.js';
import { Observability } from './observability.js';
import { Agents, Contracts, Delegations, Facilitator, Mpp, Orders, Organizations, Plans, Requests } from './resources.js';
import { send, told } from './send.js';

const TIMEOUT_MS = 30_000;

/** Makes the class of an entry: `load` gives the glue, its wasm started, or a promise of it. It may be called again after a failure. */
export function createBuilder(load) {
  const inside = Symbol('payments-wasm');

  class Payments {
    #house;
    #key;

    static getInstance(options) {
      try {
        return new Payments(inside, read('BuilderOptions', options));
      } catch (error) {
        throw seenFrom(error, Payments.getInstance);
      }
    }

    /** `given` are options that were read. */
    constructor(mark, given) {
      if (mark !== inside) throw problem('validation', 'Payments is made by Payments.getInstance');
      const { nvmApiKey, environment, backend, organizationId, fetch, timeoutMs = TIMEOUT_MS, helicone } = given;
      const key = readKey(nvmApiKey);
      this.#key = key;
      const house = { key, environment: key.environment ?? environment ?? 'custom', fetch, timeoutMs, organization: organizationId };
      if (house.environment === 'custom' && !backend) throw missing('backend', "give the platform's address, or an `environment` that has one");
      let loading;
      /** The glue and the seller in it; loaded once, and anew where that failed. */
      const loaded = () => (loading ??= (async () => {
        const core = await load();
        return { core, seller: told(() => new core.Seller(JSON.stringify({ nvmApiKey, environment, backend }))) };
      })().catch((error) => {
        loading = undefined;
        throw error;
      }));
      this.#house = house;
      const ask = async (name, arguments_ = {}, own = house.organization) =>
        send({ ...house, ...(await loaded()), organization: own ?? undefined }, name, arguments_);
      const contracts = new Contracts(ask);
      const parts = {
        plans: new Plans(ask, key, contracts), agents: new Agents(ask), facilitator: new Facilitator(ask), requests: new Requests(ask),
        organizations: new Organizations(ask), contracts, orders: new Orders(ask), mpp: new Mpp(ask), delegation: new Delegations(ask),
        observability: new Observability(house, helicone),
      };
      for (const [name, part] of Object.entries(parts)) Object.defineProperty(this, name, { value: part, enumerable: true });
    }

    get environmentName() { return this.#house.environment; }

    getEnvironmentName() { return this.#house.environment; }

    getAccountAddress() { return this.#key.account; }

    getOrganizationId() { return this.#house.organization; }

    setOrganizationId(organizationId) {
      try {
        this.#house.organization = read('OrganizationOptions', { organizationId }).organizationId;
      } catch (error) {
        throw seenFrom(error, this.setOrganizationId);
      }
    }

    toJSON() { return { environmentName: this.environmentName, accountAddress: this.getAccountAddress() }; }

    /** As Node, Deno and Bun print it. */
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) {
      return inspect ? `Payments ${inspect(this.toJSON(), options)}` : this.toJSON();
    }
  }
  return Payments;
}
