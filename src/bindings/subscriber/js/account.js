// Methods of buyers that few pages call: loaded with the first of them. They go through the buyer's core, as `payments.fetch` does. The 402 page has its
// core in another file: what is needed of it is given.
import own from '../../../options.json';


/** Makes the methods, by part. */
export default function methods({ digits, know, problem, read }) {
  know(own);

  // In the order in which the core takes them.
  const paged = (pagination) => {
    const { page, offset, sortBy, sortOrder } = read('PaginationOptions', pagination, 'pagination');
    return [sortBy, sortOrder, page, offset];
  };
  const flag = (value) => (value === undefined ? undefined : String(value));
  const json = (value) => (typeof value === 'object' && value ? JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) : undefined);
  /** An organization as the official SDK takes it, a string, or in an object. */
  const organization = (given) => read('OrganizationOptions', typeof given === 'string' ? { organizationId: given } : given).organizationId;

  /** The currency of a delegation for which none is given: dollars of a card, USDC of a wallet. */
  const currency = ({ provider }) => (provider === undefined || provider === 'erc4337' ? 'usdc' : 'usd');

  const CARD = 'nvm:card-delegation';
  /** The members of a delegation that is made with the token. The official SDK calls these members deprecated, and still sends them. */
  const INLINE = ['cardId', 'providerPaymentMethodId', 'spendingLimitCents', 'durationSecs', 'currency', 'merchantAccountId', 'maxTransactions', 'planId'];

  const plans = {
    getPlans(page, offset, sortBy, sortOrder, options) {
      const given = read('PaginationOptions', { page, offset, sortBy, sortOrder });
      return this.ask('getPlans', given.page, given.offset, given.sortBy, given.sortOrder, organization(options));
    },
    getAgentsAssociatedToAPlan(id, pagination) { return this.ask('getAgentsAssociatedToAPlan', id, ...paged(pagination)); },
    orderFiatPlan(planId) { return this.ask('orderFiatPlan', json({ sessionType: 'embedded', planId: id(planId, 'planId') })); },
  };

  const agents = {
    getAgent(id) { return this.ask('getAgent', id); },
    getAgentPlans(id, pagination) { return this.ask('getAgentPlans', id, ...paged(pagination)); },
  };

  const delegation = {
    createDelegation(payload) {
      const given = payload && read('CreateDelegationPayload', payload, 'payload');
      for (const name of ['spendingLimitCents', 'durationSecs', 'maxTransactions']) {
        if (typeof given?.[name] === 'number' && !Number.isSafeInteger(given[name])) throw problem('validation', `${name} must be a whole number`);
      }
      return this.ask('createDelegation', json(given && { ...given, currency: given.currency ?? currency(given) }));
    },
    listDelegations(options) { return this.ask('listDelegations', flag(read('DelegationListOptions', options).accessible)); },
    revokeDelegation(id) { return this.ask('revokeDelegation', id); },
    listPaymentMethods(options) {
      const { accessible, provider } = read('PaymentMethodListOptions', options);
      return this.ask('listPaymentMethods', flag(accessible), provider);
    },
    updatePaymentMethod(id, changes) { return this.ask('updatePaymentMethod', id, json(changes && read('PaymentMethodChanges', changes, 'changes'))); },
    /** Returns what is left to spend in each currency: cents of one are not cents of another. */
    async getPurchasingPower() {
      const options = { accessible: true };
      const [cards, { delegations = [] } = {}] = await Promise.all([this.listPaymentMethods(options), this.listDelegations(options)]);
      const byCurrency = {};
      for (const { status, currency: of, remainingBudgetCents } of delegations) {
        if (status === 'Active') byCurrency[of] = (byCurrency[of] ?? 0) + Number(remainingBudgetCents);
      }
      const [first = 'usd'] = Object.keys(byCurrency);
      return { cards, delegations, totalRemainingBudgetCents: byCurrency[first] ?? 0, currency: first, byCurrency };
    },
  };

  /** Returns the only delegation for the scheme that this key may spend from. It throws if there is none or several. */
  async function onlyDelegation(part, scheme) {
    const { delegations = [] } = (await part.ask('listDelegations', 'true')) ?? {};
    const byCard = scheme === CARD;
    const found = delegations.filter(({ status, provider }) => status === 'Active' && (provider !== 'erc4337') === byCard);
    if (found.length === 1) return { delegationId: found[0].delegationId };
    throw problem('delegation_required', found.length ? `there are ${found.length} delegations that this key may spend from` : 'there is no delegation that this key may spend from',
      'give `delegationConfig: { delegationId }`, here or to Payments.getInstance; delegation.createDelegation makes one');
  }

  const x402 = {
    async getX402AccessToken(planId, agentId, ...given) {
      // An older version of the official SDK took limits of a token before its options. No token has limits.
      const at = given.findIndex((one) => typeof one === 'object' && one);
      const limit = given.slice(0, at < 0 ? undefined : at).some((one) => one !== undefined && one !== null);
      if (limit) throw problem('validation', 'a token has no limits and no end of its own: the third argument is tokenOptions', 'limit the delegation: spendingLimitCents, durationSecs, maxTransactions');
      const options = read('X402TokenOptions', given[at], 'tokenOptions');
      const { scheme = 'nvm:erc4337', tokenVersion, resource, httpVerb } = options;
      if (tokenVersion !== 3 && (resource ?? httpVerb) !== undefined) throw problem('validation', 'resource and httpVerb are for tokenVersion 3');
      const config = options.delegationConfig ?? this.session.given.delegationConfig ?? await onlyDelegation(this, scheme);
      const { delegationId, apiKeyId } = config;
      const made = INLINE.some((name) => config[name] !== undefined) && delegationId === undefined;
      return this.ask('getX402AccessToken', json({
        accepted: {
          scheme, network: options.network ?? networkOf(scheme, this.session.environment), planId: id(planId, 'planId'),
          extra: { ...(agentId !== undefined && agentId !== null && agentId !== '' && { agentId: id(agentId, 'agentId') }), ...(httpVerb && { httpVerb: httpVerb.toUpperCase() }) },
        },
        delegationConfig: {
          ...(delegationId !== undefined && { delegationId: id(delegationId, 'delegationConfig.delegationId') }),
          ...(apiKeyId !== undefined && { apiKeyId: id(apiKeyId, 'delegationConfig.apiKeyId') }),
          ...(made && { ...Object.fromEntries(INLINE.map((name) => [name, config[name]])), currency: config.currency ?? currency({ provider: scheme === CARD ? 'card' : 'erc4337' }) }),
        },
        ...(resource && { resource: { url: resource.url } }),
        ...(tokenVersion === 3 && { tokenVersion }),
      }));
    },
    getPermission(hash) { return this.ask('getPermission', hash); },
    listPermissions(pagination) {
      const { page, offset } = read('PaginationOptions', pagination, 'pagination');
      return this.ask('listPermissions', page, offset);
    },
    revokePermission(hash) { return this.ask('revokePermission', hash); },
  };

  /** Where a scheme pays in an environment. */
  const networkOf = (scheme, environment) => (scheme === CARD ? 'stripe' : /live$/.test(environment) ? 'eip155:8453' : 'eip155:84532');

  /** An id as it goes into a body: see `Id` of the core. */
  function id(value, field) {
    const text = digits(value) ?? value;
    if (typeof text === 'string' && /^[\w:-]{1,128}$/.test(text)) return text;
    throw problem('validation', text === undefined || text === null || text === '' ? `${field} is missing` : `${field} has a value it cannot have`);
  }

  return { plans, agents, delegation, x402 };
}
