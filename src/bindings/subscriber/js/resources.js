// The parts of `payments` as classes, with the official SDK's names and argument orders. Here are the methods that a page needs at once. The others
// are loaded when one of them is first called: see `LATER`.
import { rejecting, problem, seenFrom } from './error.js';
import { lazily } from './lazy.js';
import { digits, know, read } from './options.js';
import { leave, ways } from './page.js';
import { randomHex } from '../../http/hex.js';
import { taken } from '../../http/taken.js';

class Resource {
  #session;

  constructor(session) {
    this.#session = session;
  }

  get session() { return this.#session; }

  /** Calls the platform through the buyer's core. A value that is no text, number or bigint is left out. */
  ask(name, ...given) { return this.session.ask(name, given); }
}

/** A call that may leave the page. A window is opened before anything is loaded: while the click still counts. */
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
  getPlanBalance(id, account) { return this.session.getPlanBalance(id, account); }
  orderPlan(id) { return this.ask('orderPlan', id); }
  waitForCredits(id, options) { return journey('waitForCredits', 'WaitOptions', this, options, id); }
  checkout(id, options) { return journey('checkout', 'CheckoutOptions', this, options, id); }
  checkoutReturned(options) { return journey('checkoutReturned', 'ReturnOptions', this, options); }
}

class Delegations extends Resource {
  setupCard(options) { return journey('setupCard', 'CardOptions', this, options); }
  cardReturned() { return journey('cardReturned', undefined, this); }
}

class X402 extends Resource {}
class Agents extends Resource {}
class Facilitator extends Resource {}
class Requests extends Resource {}
class Organizations extends Resource {}
class Contracts extends Resource {}
class Orders extends Resource {}
class Mpp extends Resource {}
class Observability extends Resource {}

export const RESOURCES = {
  plans: Plans, agents: Agents, delegation: Delegations, x402: X402, facilitator: Facilitator, requests: Requests,
  organizations: Organizations, contracts: Contracts, orders: Orders, mpp: Mpp, observability: Observability,
};

rejecting(Object.values(RESOURCES));

/**
 * The methods that are loaded when they are first called: by file, by part. A name with `!` answers at once: its file has to be there. An entry
 * says with `provide` which files it brings along, and with a member of `lazily` how another is loaded. A part of another file needs a row here and
 * a class above.
 */
const LATER = {
  account: {
    plans: 'getPlans getAgentsAssociatedToAPlan orderFiatPlan',
    agents: 'getAgent getAgentPlans',
    delegation: 'createDelegation listDelegations revokeDelegation listPaymentMethods updatePaymentMethod getPurchasingPower',
    x402: 'getX402AccessToken getPermission listPermissions revokePermission',
  },
  seller: {
    plans: 'registerPlan registerCreditsPlan registerTimePlan registerCreditsTrialPlan registerTimeTrialPlan mintPlanCredits mintPlanExpirable burnCredits'
      + ' redeemCredits getPayAsYouGoPriceConfig getFiatPriceConfig! getCryptoPriceConfig! getERC20PriceConfig! getEURCPriceConfig! getFreePriceConfig!'
      + ' getNativeTokenPriceConfig! getExpirableDurationConfig! getNonExpirableDurationConfig! getFixedCreditsConfig! getDynamicCreditsConfig!'
      + ' getPayAsYouGoCreditsConfig! setRedemptionType! setOnchainMirror!',
    agents: 'registerAgent registerAgentAndPlan getAgents updateAgentMetadata addPlanToAgent removePlanFromAgent',
    facilitator: 'verifyPermissions settlePermissions',
    requests: 'startSimulationRequest finishSimulationRequest trackAgentSubTask',
    organizations: 'createMember onboardCustomer getMembers getMyMemberships getOrganizationActivity connectStripeAccount',
    contracts: 'getDeploymentInfo getContractAddress getPayAsYouGoTemplateAddress',
    orders: 'createOrder getOrder',
    mpp: 'fetch issueChallenge verifyCredential settleCredential getMppAccessToken',
    observability: 'withHeliconeLogging withOpenAI! withLangchain! withAsyncLogger! getHeliconeHeaders! calculateImageUsage! calculateVideoUsage!'
      + ' calculateSongUsage! calculateDummySongUsage! createHeliconePayload! createHeliconeResponse!',
  },
};

/** The files that are loaded: each maps a part to its methods, and a method to a function that is called with the part as `this`. */
const files = {};

lazily.account = () => import('./account.js');

/** Brings a file along: it need not be loaded later. */
export function provide(file, methods) { files[file] = methods(tools); }

/** The functions of the core that a file needs and cannot import. */
const tools = { digits, know, problem, read };

const missing = (part, name) => problem('part_not_loaded', `${part}.${name} is not loaded`, 'import from payments-wasm/builder');

async function loaded(file, part, name) {
  if (!files[file] && !lazily[file]) throw missing(part, name);
  return (files[file] ??= (await lazily(lazily[file])).default(tools))[part][name];
}

function atOnce(file, part, name) {
  if (!files[file]) throw missing(part, name);
  return files[file][part][name];
}

for (const [file, parts] of Object.entries(LATER)) {
  for (const [part, names] of Object.entries(parts)) {
    for (const given of names.split(' ')) {
      const [name, now] = given.split('!');
      const called = now === undefined ? async function called(...args) {
        // A request goes out as it was given, though the file has to be loaded first.
        if (name === 'fetch') args[0] = taken(...args);
        try {
          return await (await loaded(file, part, name)).apply(this, args);
        } catch (error) {
          throw seenFrom(error, called);
        }
      } : function called(...args) { return atOnce(file, part, name).apply(this, args); };
      Object.defineProperty(RESOURCES[part].prototype, name, { value: called, writable: true, configurable: true });
    }
  }
}
