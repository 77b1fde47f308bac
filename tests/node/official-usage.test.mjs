// Programs as the official documentation describes them, with the import alone changed, against the sandbox: a table with a row for each use that it shows, and
// with the reason where one cannot run. `target/official-usage.md` is the table that this run has made.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { FakeListChatModel } from '@langchain/core/utils/testing';
import { tool } from '@langchain/core/tools';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import express from 'express';
import { z } from 'zod';
import { startSandbox } from '../../scripts/lib/start.mjs';
import { repoPath } from '../../scripts/lib/run.mjs';
import * as adapter from '../../target/dist/subscriber/express.js';
import * as langchain from '../../target/dist/subscriber/langchain.js';
import * as sdk from '../../target/dist/subscriber/node.js';
import { client } from '../sandbox/client.mjs';

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const NOWHERE = 'no version of the official SDK has it';

/** By page: how many examples of the documentation show it, what is done, how, and, where it cannot run, why. `return` gives what has to be true. */
const USES = {
  'Setting up': [
    [4, 'an instance for an environment', `const one = Payments.getInstance({ nvmApiKey: sellerKey, environment }); return one instanceof Payments`],
    [2, 'its address, at once', `return Payments.getInstance({ nvmApiKey: sellerKey, environment }).getAccountAddress().startsWith('0x')`],
    [0, 'logged in, at once', `return Payments.getInstance({ nvmApiKey: sellerKey, environment }).isLoggedIn`],
    [1, 'a wrong key is caught', `try { Payments.getInstance({ nvmApiKey: 'x', environment }) } catch (error) { return error instanceof PaymentsError }`],
    [0, 'without a key', `try { Payments.getInstance({ environment }) } catch (error) { return error instanceof PaymentsError }`],
    [0, 'with appId', `return Payments.getInstance({ nvmApiKey: sellerKey, environment, appId: 'shop' }) instanceof Payments`],
    [1, 'with a version of one\'s own', `return Payments.getInstance({ nvmApiKey: sellerKey, environment, version: '1.0.0' }) instanceof Payments`, 'version names versions of the platform\'s interface, and there is no 1.0.0'],
    [1, 'logout', `const one = Payments.getInstance({ nvmApiKey: sellerKey, environment }); one.logout(); return !one.isLoggedIn`],
    [1, 'platform errors have a code', `try { await payments.plans.getPlan('404') } catch (error) { return error instanceof PaymentsError && typeof error.code === 'string' }`],
  ],
  Agents: [
    [5, 'register for plans', `const { agentId: id } = await payments.agents.registerAgent({ name: 'Rain', tags: ['a'], dateCreated: new Date(), author: 'Us' }, { endpoints: [{ POST: 'https://a.example/:id/ask' }], openEndpoints: [], authType: 'bearer', agentDefinitionUrl: 'https://a.example/openapi.json' }, [planId]); return id`],
    [2, 'register with a plan', `const made = await payments.agents.registerAgentAndPlan({ name: 'Sun' }, { endpoints: [{ POST: 'https://a.example/ask' }] }, { name: 'Plan', dateCreated: new Date() }, payments.plans.getERC20PriceConfig(1_000_000n, USDC, payments.getAccountAddress()), payments.plans.getFixedCreditsConfig(100n, 1n)); return made.agentId && made.planId`],
    [9, 'free endpoints beside paid ones', `const { agentId: id } = await payments.agents.registerAgent({ name: 'Files' }, { endpoints: [{ GET: 'https://f.example/:year/*' }, { GET: 'https://f.example/:name/*.csv' }], openEndpoints: ['https://f.example/sample.csv'], authType: 'bearer' }, [planId]); return id`],
    [1, 'each kind of authType', `for (const authType of ['none', 'basic', 'bearer', 'oauth']) await payments.agents.registerAgent({ name: 'Auth' }, { endpoints: [{ GET: 'https://x.example/' }], authType }, [planId]); return true`],
    [1, 'read one', `const agent = await payments.agents.getAgent(agentId); return String(agent.id ?? agentId) === agentId && \`\${agent.name}\${JSON.stringify(agent.endpoints)}\``],
    [1, 'its plans, with pages', `const { plans, total, page, offset } = await payments.agents.getAgentPlans(agentId); return plans.length === total && page === 1 && offset > 0`],
    [1, 'its plans, as a list', `const plans = await payments.agents.getAgentPlans(agentId); plans.forEach(() => {}); return true`, 'the platform answers an object with a list in it'],
    [1, 'order the first plan that it names', `const agent = await payments.agents.getAgent(agentId); return (await buyer.plans.orderPlan(agent.plans[0].planId)).success`, 'the platform names plans of an agent in another call, getAgentPlans'],
    [1, 'describe it anew', `await payments.agents.updateAgentMetadata(agentId, { description: 'Newer', tags: ['b'] }, { endpoints: [{ POST: 'https://a.example/v2' }] }); return true`],
    [2, 'add and remove a plan', `const { planId: more } = await payments.plans.registerCreditsPlan({ name: 'More' }, payments.plans.getERC20PriceConfig(20n, USDC, payments.getAccountAddress()), payments.plans.getFixedCreditsConfig(100n, 1n)); await payments.agents.addPlanToAgent(more, agentId); await payments.agents.removePlanFromAgent(more, agentId); return true`],
  ],
  'Payment plans': [
    [1, 'a native price', `return payments.plans.getCryptoPriceConfig(100n, payments.getAccountAddress(), ZeroAddress).isCrypto`],
    [2, 'a token price', `return payments.plans.getERC20PriceConfig(20n, USDC, payments.getAccountAddress()).tokenAddress === USDC`],
    [1, 'a euro price', `return payments.plans.getEURCPriceConfig(29_000_000n, payments.getAccountAddress(), EURC_TOKEN_ADDRESS_TESTNET).tokenAddress === EURC_TOKEN_ADDRESS_TESTNET`],
    [1, 'a card price, in dollars and in euro', `const at = payments.getAccountAddress(); return !payments.plans.getFiatPriceConfig(1000n, at).isCrypto && payments.plans.getFiatPriceConfig(2900n, at, Currency.EUR).currency === 'EUR'`],
    [1, 'no price', `return payments.plans.getFreePriceConfig().amounts.every((one) => one === 0n)`],
    [1, 'pay as you go', `const template = await payments.contracts.getPayAsYouGoTemplateAddress(); return Boolean(await payments.plans.getPayAsYouGoPriceConfig(100n, payments.getAccountAddress(), ZeroAddress, template))`],
    [5, 'fixed, dynamic, by time, for ever', `const { plans } = payments; return plans.getFixedCreditsConfig(100n, 1n) && plans.getDynamicCreditsConfig(10n, 1n, 2n) && [ONE_DAY_DURATION, ONE_WEEK_DURATION, ONE_MONTH_DURATION, ONE_YEAR_DURATION].every((one) => plans.getExpirableDurationConfig(one)) && plans.getNonExpirableDurationConfig()`],
    [0, 'helpers without an instance', `return getERC20PriceConfig(10n, USDC, payments.getAccountAddress()).isCrypto && Boolean(getFixedCreditsConfig(100n, 1n)) && Boolean(getDynamicCreditsConfig(10n, 1n, 2n))`],
    [2, 'register one of credits', `const { planId: id } = await payments.plans.registerCreditsPlan({ name: 'C', description: 'D' }, payments.plans.getERC20PriceConfig(20n, USDC, payments.getAccountAddress()), payments.plans.getFixedCreditsConfig(100n, 1n)); return id`],
    [1, 'register one of time', `const { planId: id } = await payments.plans.registerTimePlan({ name: 'T' }, payments.plans.getERC20PriceConfig(50n, USDC, payments.getAccountAddress()), payments.plans.getExpirableDurationConfig(ONE_DAY_DURATION)); return id`],
    [1, 'register a trial of time', `const { planId: id } = await payments.plans.registerTimeTrialPlan({ name: 'F' }, payments.plans.getFreePriceConfig(), payments.plans.getExpirableDurationConfig(ONE_DAY_DURATION)); return id`],
    [0, 'register a trial of credits', `const { planId: id } = await payments.plans.registerCreditsTrialPlan({ name: 'G' }, payments.plans.getFreePriceConfig(), payments.plans.getFixedCreditsConfig(10n, 1n)); return id`],
    [2, 'read one', `const plan = await payments.plans.getPlan(planId); return \`\${plan.name}\${plan.price}\${plan.credits}\` && plan.id === planId`],
    [0, 'all of one\'s own', `const { plans } = await payments.plans.getPlans(); return plans.some((one) => one.id === planId)`],
    [1, 'all of one\'s own, as a list', `const plans = await payments.plans.getPlans(); plans.forEach(() => {}); return true`, 'the platform answers an object with a list in it'],
    [2, 'createPlan', `return (await payments.plans.createPlan({ agentId, name: 'P', priceConfig: payments.plans.getFreePriceConfig(), accessLimit: 'credits' })).planId`, NOWHERE],
    [1, 'getTimeBasedConfig', `return getTimeBasedConfig(86_400)`, NOWHERE],
    [1, 'a trial by one object', `return (await payments.plans.registerCreditsTrialPlan({ agentId, name: 'P', credits: 10n, creditsPerRequest: 1n })).planId`, NOWHERE],
    [1, 'a card price by one object', `return payments.plans.getFiatPriceConfig({ amount: 1000, currency: 'USD' }).amounts`, NOWHERE],
  ],
  'Payments and balance': [
    [4, 'a balance', `const balance = await buyer.plans.getPlanBalance(planId); return BigInt(balance.balance) >= 10n && balance.isSubscriber && \`\${balance.isOwner}\``],
    [1, 'order', `const { success, transaction } = await buyer.plans.orderPlan(planId); return success && \`\${transaction}\``],
    [4, 'order and look', `const before = BigInt((await buyer.plans.getPlanBalance(planId)).balance); await buyer.plans.orderPlan(planId); return BigInt((await buyer.plans.getPlanBalance(planId)).balance) > before`],
    [1, 'a class around it', `class Shop { constructor(key, environment) { this.payments = Payments.getInstance({ nvmApiKey: key, environment }) } async credits(id) { return BigInt((await this.payments.plans.getPlanBalance(id)).balance) } }; return await new Shop(buyerKey, environment).credits(planId) > 0n`],
    [0, 'a checkout page, under the name of the official SDK', `const { result } = await buyer.plans.orderFiatPlan(cardPlanId); return result.checkoutLink`],
    [1, 'a checkout page, as checkoutUrl', `return (await buyer.plans.orderFiatPlan(cardPlanId)).checkoutUrl`, 'the platform names it result.checkoutLink'],
  ],
  'Tokens and delegations': [
    [9, 'a token, from the one delegation', `const { accessToken } = await buyer.x402.getX402AccessToken(planId, agentId); return accessToken.length > 100`],
    [0, 'without an agent', `return (await buyer.x402.getX402AccessToken(planId)).accessToken`],
    [2, 'with limits of its own', `return (await buyer.x402.getX402AccessToken(planId, agentId, 10n, '1', '2030-01-01T00:00:00Z')).accessToken`, 'a token has no limits of its own: the delegation has them. The limits were never sent'],
    [1, 'options as the sixth argument', `return (await buyer.x402.getX402AccessToken(planId, agentId, undefined, undefined, undefined, { delegationConfig: { delegationId } })).accessToken`],
    [0, 'options as the third', `return (await buyer.x402.getX402AccessToken(planId, agentId, { delegationConfig: { delegationId } })).accessToken`],
    [2, 'a delegation inline', `return (await buyer.x402.getX402AccessToken(planId, agentId, { delegationConfig: { spendingLimitCents: 1000, durationSecs: 3600 } })).accessToken`],
    [1, 'a delegation before', `const delegation = await buyer.delegation.createDelegation({ provider: 'erc4337', spendingLimitCents: 1000, durationSecs: 3600 }); return (await buyer.x402.getX402AccessToken(planId, agentId, { delegationConfig: { delegationId: delegation.delegationId } })).accessToken`],
    [6, 'from a card', `const [card] = await buyer.delegation.listPaymentMethods(); const options = { scheme: 'nvm:card-delegation', delegationConfig: { providerPaymentMethodId: card.id, spendingLimitCents: 1000, durationSecs: 3600, currency: 'usd', maxTransactions: 100 } }; return (await buyer.x402.getX402AccessToken(cardPlanId, undefined, undefined, undefined, undefined, options)).accessToken`],
    [1, 'the scheme of a plan', `return await resolveScheme(buyer, planId) === 'nvm:erc4337' && await resolveScheme(buyer, planId, 'nvm:card-delegation') === 'nvm:card-delegation'`],
    [1, 'a DelegationAPI', `const api = DelegationAPI.getInstance(buyer.options); const { delegations, totalResults } = await api.listDelegations(); return delegations.length === totalResults`],
    [2, 'cards, and who may use them', `const api = DelegationAPI.getInstance(buyer.options); const [card] = await api.listPaymentMethods(); await api.updatePaymentMethod(card.id, { alias: 'Mine' }); await api.updatePaymentMethod(card.id, { allowedApiKeyIds: null }); return card.last4`],
    [0, 'decode a token', `return decodeAccessToken(token).accepted?.planId === planId`],
  ],
  'Verify and settle': [
    [2, 'the terms of a request', `const terms = buildPaymentRequired(planId, { endpoint: '/ask', agentId, httpVerb: 'POST', network: 'eip155:84532', description: 'D', scheme: 'nvm:erc4337' }); return terms.accepts[0].planId === planId && terms.x402Version === 2`],
    [10, 'the same by one object', `return buildPaymentRequired({ planId, endpoint: '/ask', agentId, httpVerb: 'POST' }).accepts[0].extra.agentId === agentId`],
    [3, 'as a header', `return Buffer.from(JSON.stringify(buildPaymentRequired(planId, { endpoint: '/ask' }))).toString('base64').length > 50`],
    [3, 'verify', `const terms = buildPaymentRequired(planId, { endpoint: '/ask', agentId, httpVerb: 'POST' }); const found = await payments.facilitator.verifyPermissions({ paymentRequired: terms, x402AccessToken: token, maxAmount: 2n }); return found.isValid && found.payer`],
    [2, 'settle', `const terms = buildPaymentRequired(planId, { endpoint: '/ask', agentId, httpVerb: 'POST' }); const done = await payments.facilitator.settlePermissions({ paymentRequired: terms, x402AccessToken: token, maxAmount: BigInt(2), batch: false }); return done.success && done.transaction && done.creditsRedeemed && done.remainingBalance`],
    [2, 'settle an amount with a margin', `const terms = buildPaymentRequired(planId, { endpoint: '/ask', agentId, httpVerb: 'POST' }); return (await payments.facilitator.settlePermissions({ paymentRequired: terms, x402AccessToken: token, maxAmount: 2n, marginPercent: 5 })).success`, 'the platform takes an amount, or a margin on the cost of a request'],
    [0, 'a token that is none', `const terms = buildPaymentRequired(planId, { endpoint: '/ask', agentId }); try { return (await payments.facilitator.verifyPermissions({ paymentRequired: terms, x402AccessToken: 'no', maxAmount: 1n })).isValid === false } catch (error) { return error instanceof PaymentsError }`],
    [2, 'verify without terms', `return (await payments.facilitator.verifyPermissions({ x402AccessToken: token, maxAmount: 1n })).isValid`, 'the platform wants the terms; ours says so before it asks'],
    [4, 'settle without terms', `return (await payments.facilitator.settlePermissions({ planId, x402AccessToken: token, maxAmount: 1n })).success`, 'the platform wants the terms; ours says so before it asks'],
  ],
  Express: [
    [4, 'one line protects a route', `app.use(paymentMiddleware(payments, { 'POST /ask': { planId, credits: 1 } })); app.post('/ask', (req, res) => res.json({ asked: req.body.query })); return await ask('/ask', 1)`],
    [4, 'by path parameters, for an agent', `app.use(paymentMiddleware(payments, { 'POST /agents/:id/task': { planId, agentId, credits: 2 } })); app.post('/agents/:id/task', (req, res) => res.json({})); return await ask('/agents/7/task', 2)`],
    [1, 'a price by what the handler left', `app.use(paymentMiddleware(payments, { 'POST /ask': { planId, credits: (req, res) => Math.ceil((res.locals.count || 100) / 100) } })); app.post('/ask', (req, res) => { res.locals.count = 450; res.json({}) }); return await ask('/ask', 5)`],
    [2, 'every hook', `const requests = []; app.use(paymentMiddleware(payments, { 'POST /ask': { planId, credits: 1 } }, { tokenHeader: 'payment-signature', onBeforeVerify: (req) => { requests.push(req.path) }, onAfterVerify: (req, found) => { requests.push(found.isValid) }, onAfterSettle: (req, credits) => { requests.push(Number(credits)) }, onPaymentError: (error, req, res) => { res.status(402).json({ error: error.message }) } })); app.post('/ask', (req, res) => res.json({})); return await ask('/ask', 1) && requests.join() === '/ask,true,1'`],
    [5, 'a client reads the 402 and the receipt', `app.use(paymentMiddleware(payments, { 'POST /ask': { planId, agentId, credits: 1 } })); app.post('/ask', (req, res) => res.json({ response: '4' })); const url = await listen(); const first = await fetch(url + '/ask', { method: 'POST' }); const read = (answer, name) => JSON.parse(Buffer.from(answer.headers.get(name), 'base64').toString()); const { planId: asked, extra } = read(first, X402_HEADERS.PAYMENT_REQUIRED).accepts[0]; const { accessToken } = await buyer.x402.getX402AccessToken(asked, extra?.agentId, { delegationConfig: { delegationId } }); const second = await fetch(url + '/ask', { method: 'POST', headers: { [X402_HEADERS.PAYMENT_SIGNATURE]: accessToken } }); return (await second.json()).response === '4' && read(second, X402_HEADERS.PAYMENT_RESPONSE).creditsRedeemed === '1'`],
    [9, 'by hand', `app.post('/ask', async (req, res) => { const accessToken = req.headers['payment-signature']; const paymentRequired = buildPaymentRequired(planId, { endpoint: req.url, agentId, httpVerb: req.method }); if (!accessToken) return res.status(402).set('payment-required', Buffer.from(JSON.stringify(paymentRequired)).toString('base64')).json({ error: 'Pay' }); const { isValid } = await payments.facilitator.verifyPermissions({ paymentRequired, x402AccessToken: accessToken, maxAmount: 1n }); if (!isValid) return res.status(402).end(); const settlement = await payments.facilitator.settlePermissions({ paymentRequired, x402AccessToken: accessToken, maxAmount: 1n }); res.set(X402_HEADERS.PAYMENT_RESPONSE, Buffer.from(JSON.stringify(settlement)).toString('base64')).json({}) }); return await ask('/ask', 1)`],
  ],
  MCP: [
    [3, 'an instance, and what is sold', `const one = seller(); one.mcp.configure({ agentId, serverName: 'my-mcp-server' }); return true`],
    [1, 'a tool at a fixed price', `const one = seller(); one.mcp.registerTool('get_weather', { title: 'Get Weather', description: 'D', inputSchema: z.object({ city: z.string().describe('City name') }) }, async (args) => ({ content: [{ type: 'text', text: args.city }] }), { credits: 1n }); return await sold(one, (client) => client.callTool({ name: 'get_weather', arguments: { city: 'Madrid' } }), 1)`],
    [2, 'a price by the arguments', `const one = seller(); one.mcp.registerTool('analyze_text', { inputSchema: z.object({ text: z.string() }) }, async (args) => ({ content: [{ type: 'text', text: args.text }] }), { credits: (ctx) => { const { text } = ctx.args; return BigInt(Math.ceil(text.length / 1000)) } }); return await sold(one, (client) => client.callTool({ name: 'analyze_text', arguments: { text: 'x'.repeat(2500) } }), 3)`],
    [3, 'a price by the result', `const one = seller(); one.mcp.registerTool('weather.today', { inputSchema: z.object({ city: z.string() }) }, async (args) => ({ content: [{ type: 'text', text: args.city.repeat(100) }] }), { credits: (ctx) => { const text = ctx.result.content[0]?.text || ''; return BigInt(Math.ceil(text.length / 100)) } }); return await sold(one, (client) => client.callTool({ name: 'weather.today', arguments: { city: 'Rome' } }), 4)`],
    [1, 'a resource', `const one = seller(); one.mcp.registerResource('weather-data', 'weather://current', { title: 'T', description: 'D' }, async (uri, vars) => ({ contents: [{ uri: 'weather://current', mimeType: 'application/json', text: '{}' }] }), { credits: 2n }); return await sold(one, (client) => client.readResource({ uri: 'weather://current' }), 2)`],
    [1, 'a prompt', `const one = seller(); one.mcp.registerPrompt('weather-query', { title: 'T', description: 'D' }, async (args) => ({ messages: [{ role: 'user', content: { type: 'text', text: 'What is the weather in ' + args.city } }] }), { credits: 1n }); return await sold(one, (client) => client.getPrompt({ name: 'weather-query', arguments: { city: 'Faro' } }), 1)`],
    [1, 'onRedeemError', `const one = seller(); one.mcp.registerTool('premium_tool', {}, async () => ({ content: [{ type: 'text', text: 'T' }] }), { credits: 5n, onRedeemError: 'propagate' }); return await sold(one, (client) => client.callTool({ name: 'premium_tool' }), 5)`],
    [3, 'a whole server, whose handler reads the payment', `const one = seller(); const requests = []; one.mcp.registerTool('weather.today', { title: 'T', description: 'D', inputSchema: z.object({ city: z.string().min(2).max(80) }) }, async (args, extra, context) => { requests.push(context?.authResult.requestId, context?.credits); return { content: [{ type: 'text', text: args.city }] } }, { credits: 5n }); const { info, stop } = await one.mcp.start({ port: 0, agentId, serverName: 'my-weather-server', version: '1.0.0', description: 'D' }); await stop(); return info.baseUrl && info.tools.join() === 'weather.today' && await sold(one, (client) => client.callTool({ name: 'weather.today', arguments: { city: 'Madrid' } }), 5) && requests[0] && requests[1] === 5n`],
    [1, 'a client that sends it as a header', `const one = seller(); one.mcp.registerTool('hello', {}, async () => ({ content: [] }), { credits: 1n }); return await sold(one, (client) => client.callTool({ name: 'hello', arguments: { city: 'Madrid' } }), 1)`],
    [1, 'withPaywall', `const one = seller(); one.mcp.configure({ agentId, serverName: 's' }); const protectedHandler = one.mcp.withPaywall(async () => ({ content: [{ type: 'text', text: 'mine' }] }), { kind: 'tool', name: 'my.tool', credits: 5n }); const answer = await protectedHandler({}, { requestInfo: { headers: { authorization: 'Bearer ' + token } } }); return answer.content[0].text === 'mine'`],
    [1, 'attach', `const one = seller(); one.mcp.configure({ agentId, serverName: 's' }); const server = new McpServer({ name: 'my-server', version: '1.0.0' }); const registrar = one.mcp.attach(server); registrar.registerTool('weather.today', {}, async () => ({ content: [] }), { credits: 1n }); return true`],
    [1, 'createRouter', `const one = seller(); app.use('/mcp', await one.mcp.createRouter({ agentId, serverName: 's' })); return (await fetch(await listen() + '/mcp')).status === 200`, 'there is no router of Express: \`payments.mcp.handler()\` with \`toNodeListener\` serves it'],
    [1, 'createApp', `const one = seller(); const own = await one.mcp.createApp({ baseUrl: 'http://localhost:3000', serverName: 's', tools: ['a'] }); own.post('/mcp', () => {}); return true`, 'there is no application of Express: \`payments.mcp.handler()\` with \`toNodeListener\` serves it'],
    [1, 'a client without a header, which logs in by OAuth', `const one = seller(); one.mcp.registerTool('hello', {}, async () => ({ content: [] }), { credits: 1n }); const { info, stop } = await one.mcp.start({ port: 0, agentId }); const found = await fetch(info.baseUrl + '/.well-known/oauth-protected-resource'); await stop(); return found.status === 200`],
  ],
  LangChain: [
    [1, 'a paid tool', `const searchData = tool(requiresPayment((args) => \`Results for '\${args.query}'\`, { payments, planId, credits: 1 }), { name: 'search_data', description: 'D', schema: z.object({ query: z.string() }) }); return searchData.name === 'search_data'`],
    [2, 'invoked with a token', `const searchData = tool(requiresPayment((args) => args.query, { payments, planId, credits: 1 }), { name: 'search_data', description: 'D', schema: z.object({ query: z.string() }) }); return await searchData.invoke({ query: 'AI trends' }, { configurable: { payment_token: token } }) === 'AI trends' && lastSettlement().success`],
    [1, 'three prices', `const schema = z.object({ text: z.string() }); const sell = (credits) => tool(requiresPayment((args) => args.text, { payments, planId, credits }), { name: 't', description: 'D', schema }); const prices = [1, (ctx) => Math.max(2, Math.min(Math.floor(String(ctx.result).length / 100), 10)), (ctx) => 3 + String(ctx.args.text).split(' ').length]; const burned = []; for (const one of prices) { await sell(one).invoke({ text: 'a b' }, { configurable: { payment_token: token } }); burned.push(lastSettlement().creditsRedeemed) } return burned.join() === '1,2,5'`],
    [1, 'an agent', `const one = tool(requiresPayment(() => 'R', { payments, planId }), { name: 'one', description: 'D', schema: z.object({}) }); const agent = await createPaidReactAgent(new FakeListChatModel({ responses: ['done'] }), []); return Boolean(one) && (await agent.invoke({ messages: [{ role: 'human', content: 'x' }] }, { configurable: { payment_token: token } })).messages.length === 2`],
  ],
};

const variables = { NVM_ENVIRONMENT: process.env.NVM_ENVIRONMENT, NVM_BACKEND_URL: process.env.NVM_BACKEND_URL };
let sandbox, scope;
before(async () => {
  sandbox = await startSandbox();
  Object.assign(process.env, { NVM_ENVIRONMENT: 'custom', NVM_BACKEND_URL: sandbox.url });
  const seller = await client(sandbox.url).open('A seller');
  const person = await client(sandbox.url).open('A buyer');
  const payments = sdk.Payments.getInstance({ nvmApiKey: seller.key, environment: 'custom' });
  const planId = await seller.plan({ credits: { maxAmount: '20' } });
  const { planId: cardPlanId } = await payments.plans.registerCreditsPlan({ name: 'By card' }, payments.plans.getFiatPriceConfig(10_000_000n, payments.getAccountAddress()), payments.plans.getFixedCreditsConfig(100n, 1n));
  const { agentId } = await payments.agents.registerAgent({ name: 'An agent' }, { endpoints: [], authType: 'none' }, [planId]);
  await person.order(planId);
  const delegationId = await person.delegation();
  const buyer = sdk.Payments.getInstance({ nvmApiKey: person.key, environment: 'custom' });
  const { accessToken: token } = await buyer.x402.getX402AccessToken(planId, agentId);
  const newSeller = () => sdk.Payments.getInstance({ nvmApiKey: seller.key, environment: 'custom' });
  /** True if a call of what `one` sells costs `credits`. */
  const sold = async (one, call, credits) => {
    const { info, stop } = await one.mcp.start({ port: 0, agentId, serverName: 'usage', version: '1.0.0', log: false });
    const connection = new Client({ name: 'my-client', version: '1.0.0' });
    try {
      await connection.connect(new StreamableHTTPClientTransport(new URL(`${info.baseUrl}/mcp`), { requestInit: { headers: { 'payment-signature': token } } }));
      const held = Number(await person.balance(planId));
      await call(connection);
      return held - Number(await person.balance(planId)) === credits;
    } finally {
      await connection.close();
      await stop();
    }
  };
  scope = { ...sdk, ...adapter, ...langchain, McpServer, FakeListChatModel, tool, z, sold, seller: newSeller, USDC, environment: 'custom', sellerKey: seller.key, buyerKey: person.key, payments, buyer, person, planId, cardPlanId, agentId, token, delegationId };
});
after(() => {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  return sandbox?.stop();
});

/** Runs one use. Gives why it does not work, if it does not. */
async function failure(code) {
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const app = express().use(express.json());
  let server;
  const listen = async () => {
    server = app.listen(0, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    return `http://127.0.0.1:${server.address().port}`;
  };
  /** True if a request without a token is refused, and one with a token costs `credits`. */
  const ask = async (path, credits) => {
    const url = await listen() + path;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"2+2"}' };
    const refused = await fetch(url, init);
    const held = Number(await scope.person.balance(scope.planId));
    const paid = await fetch(url, { ...init, headers: { ...init.headers, [scope.X402_HEADERS.PAYMENT_SIGNATURE]: scope.token } });
    await paid.json();
    return refused.status === 402 && paid.status === 200 && held - Number(await scope.person.balance(scope.planId)) === credits;
  };
  const { default: unnamed, ...all } = { ...scope, app, ask, listen };
  // A mistake in the table throws here.
  const use = new AsyncFunction(...Object.keys(all), `'use strict'; ${code}`);
  try {
    return await use(...Object.values(all)) ? undefined : 'it gave another result';
  } catch (error) {
    return error.message;
  } finally {
    server?.closeAllConnections();
    server?.close();
  }
}

test('what the official documentation shows runs with the import alone changed; what cannot says why', async (t) => {
  const rows = [];
  const wrong = [];
  const count = { runs: 0, cannot: 0 };
  for (const [page, uses] of Object.entries(USES)) {
    for (const [examples, what, code, why] of uses) {
      const failed = await failure(code);
      if (Boolean(failed) !== Boolean(why)) wrong.push(`${page}, ${what}: ${failed ?? 'runs now'}`);
      count[failed ? 'cannot' : 'runs'] += examples;
      rows.push(`| ${page} | ${what} | ${examples} | ${failed ? `cannot: ${why ?? failed}` : 'runs as it is'} |`);
    }
  }
  mkdirSync(repoPath('target'), { recursive: true });
  writeFileSync(repoPath('target/official-usage.md'), `| page | use | examples | |\n|---|---|---:|---|\n${rows.join('\n')}\n`);
  const all = count.runs + count.cannot;
  t.diagnostic(`${count.runs} of ${all} examples run as they are`);
  assert.deepEqual(wrong, []);
  assert.ok(count.runs / all >= 0.85, `${count.runs} of ${all}`);
});
