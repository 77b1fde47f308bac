// A client of the sandbox for these tests: fetch, JSON, and the few steps every test begins with. It is not our npm
// package, on purpose: what both sides got wrong together would pass.
export const DOLLAR = 1_000_000;
const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const ZERO = '0x0000000000000000000000000000000000000000';

/** A client of the sandbox at `url`; with a key, of one account. */
export function client(url, account = {}) {
  const call = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(account.nvmApiKey && { authorization: `Bearer ${account.nvmApiKey}` }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const json = text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
  const self = {
    url,
    address: account.accountAddress,
    key: account.nvmApiKey,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    open: async (name) => client(url, (await call('POST', '/sandbox/accounts', { name })).json),
    /** Registers a plan and hands back its id. `terms` overrides parts of a 10 USDC plan of 100 credits, 1 to 5 each. */
    plan: async ({ price = {}, credits = {}, ...rest } = {}) => {
      const { status, json, text } = await self.post('/api/v1/protocol/plans', planBody(self.address, { price, credits, ...rest }));
      if (status !== 201) throw new Error(text);
      return json.planId;
    },
    delegation: async (more = {}) => {
      const body = { provider: 'erc4337', spendingLimitCents: 10_000, durationSecs: 3600, currency: 'usdc', ...more };
      return (await self.post('/api/v1/delegation/create', body)).json.delegationId;
    },
    token: async (planId, { delegationId, extra = {}, ...more } = {}) => {
      const config = { delegationId: delegationId ?? await self.delegation() };
      const body = { accepted: { ...offer(planId), extra }, delegationConfig: config, ...more };
      const { status, json, text } = await self.post('/api/v1/x402/permissions', body);
      if (status !== 201) throw new Error(text);
      return json.accessToken;
    },
    del: (path) => call('DELETE', path),
    /** Posts a form as a page does. */
    form: (path, fields = {}) =>
      call('POST', path, new URLSearchParams(fields).toString(), { 'content-type': 'application/x-www-form-urlencoded' }),
    /** Moves the sandbox's clock on. */
    wait: (advanceSecs) => call('POST', '/sandbox/clock', { advanceSecs }),
    order: (planId) => self.post(`/api/v1/protocol/plans/${planId}/order`),
    verify: (planId, token, maxAmount) => self.post('/api/v1/x402/verify', paid(planId, token, maxAmount)),
    settle: (planId, token, maxAmount) => self.post('/api/v1/x402/settle', paid(planId, token, maxAmount)),
    balance: async (planId, holder = self.address) => (await self.get(`/api/v1/protocol/plans/${planId}/balance/${holder}`)).json.balance,
  };
  return self;
}

export function planBody(receiver, { price = {}, credits = {}, ...rest } = {}) {
  return {
    metadataAttributes: { name: 'Hundred questions' },
    priceConfig: {
      tokenAddress: USDC, amounts: [String(10 * DOLLAR)], receivers: [receiver], contractAddress: ZERO, feeController: ZERO,
      externalPriceAddress: ZERO, templateAddress: ZERO, isCrypto: true, ...price,
    },
    creditsConfig: {
      isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: '0', amount: '100', minAmount: '1',
      maxAmount: '5', ...credits,
    },
    nonce: '7', accessLimit: 'credits', ...rest,
  };
}

export const offer = (planId) => ({ scheme: 'nvm:erc4337', network: 'eip155:84532', planId });

const paid = (planId, x402AccessToken, maxAmount) => ({
  paymentRequired: { x402Version: 2, resource: { url: '/ask' }, accepts: [{ ...offer(planId), extra: { version: '1' } }], extensions: {} },
  x402AccessToken,
  ...(maxAmount !== undefined && { maxAmount }),
});

/** A card plan of five dollars. */
export const BY_CARD = { price: { isCrypto: false, amounts: [String(5 * DOLLAR)], currency: 'USD' } };

/** The query of where an answer leads. */
export const led = ({ headers }) => Object.fromEntries(new URL(headers.get('location')).searchParams);

export const decode = (token) => JSON.parse(Buffer.from(token, 'base64url').toString());
export const encode = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
