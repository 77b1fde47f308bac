// Paid tools of LangChain, with the published `@langchain/core` and `@langchain/langgraph`, against the sandbox.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { z } from 'zod';
import { startPlatform } from './harness.mjs';
import { Payments } from '../../target/dist/subscriber/index.js';
import { PaymentRequiredError, createPaidReactAgent, lastSettlement, requiresPayment } from '../../target/dist/subscriber/langchain.js';

let platform;
let seller;
let buyer;
let token;
const closing = [];
before(async () => {
  platform = await startPlatform();
  seller = Payments.getInstance({ nvmApiKey: platform.seller.key, environment: 'custom', backend: platform.sandbox.url });
  buyer = await platform.buyer();
});
after(async () => {
  for (const one of closing) await one.close();
  await platform.stop();
});
beforeEach(async () => { token = (await buyer.x402.getX402AccessToken(platform.planId)).accessToken; });

/** A paid tool, as the official documentation makes one. */
function sell(implementation, options = {}) {
  const paid = requiresPayment(implementation, { payments: seller, planId: platform.planId, ...options });
  closing.push(paid);
  return tool(paid, { name: 'search_data', description: 'Search for data.', schema: z.object({ query: z.string() }) });
}
/** A model that calls the tool once and then answers. */
class Model extends BaseChatModel {
  _llmType() { return 'scripted'; }
  bindTools() { return this; }
  async _generate(messages) {
    const done = messages.some((one) => one instanceof ToolMessage);
    const message = new AIMessage(done ? 'done' : { content: '', tool_calls: [{ name: 'search_data', args: { query: 'x402' }, id: 'call_1', type: 'tool_call' }] });
    return { generations: [{ text: '', message }] };
  }
}
const paying = () => ({ configurable: { payment_token: token } });

test('a call is verified before the tool runs and settled before its result is returned', async () => {
  const held = await buyer.held();
  const search = sell(({ query }) => `Results for ${query}`, { credits: 2 });
  assert.equal(await search.invoke({ query: 'AI trends' }, paying()), 'Results for AI trends');
  assert.equal(await buyer.held(), held - 2n);
  const receipt = lastSettlement();
  assert.equal(receipt.success, true);
  assert.equal(BigInt(receipt.creditsRedeemed), 2n);
  assert.equal(BigInt(receipt.remainingBalance), held - 2n);
});

test('one token pays several calls, side by side too', async () => {
  const held = await buyer.held();
  const search = sell(({ query }) => query);
  assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((query) => search.invoke({ query }, paying()))), ['a', 'b', 'c']);
  assert.equal(await buyer.held(), held - 3n);
});

test('a price by the result: verified for the most of the plan, charged as it is', async () => {
  const held = await buyer.held();
  const contexts = [];
  const search = sell(({ query }) => 'x'.repeat(Number(query)), { credits: (context) => { contexts.push(context); return context.result.length; } });
  await search.invoke({ query: '7' }, paying());
  assert.deepEqual(contexts, [{ args: { query: '7' }, result: 'xxxxxxx' }]);
  assert.equal(await buyer.held(), held - 7n);
});

test('a price that is no whole number: the result is withheld and nothing is charged', async () => {
  const held = await buyer.held();
  for (const credits of [() => 1.5, () => -1, () => 'many', () => undefined, () => { throw new Error('no price'); }]) {
    await assert.rejects(sell(() => 'a result', { credits }).invoke({ query: 'q' }, paying()));
  }
  assert.equal(await buyer.held(), held);
  assert.equal(lastSettlement(), undefined);
});

test('no call is charged more than was verified', async () => {
  const held = await buyer.held();
  assert.equal(await sell(() => 'a result', { credits: { by: () => 5, most: 4 } }).invoke({ query: 'q' }, paying()), 'a result');
  assert.equal(await buyer.held(), held - 4n);
});

test('without a token: the error has the offer, and a token that is made by it pays', async () => {
  let ran = 0;
  const search = sell(() => { ran += 1; return 'a result'; });
  for (const config of [undefined, {}, { configurable: {} }, { configurable: { payment_token: 7 } }, { configurable: { payment_token: '' } }]) {
    await assert.rejects(search.invoke({ query: 'q' }, config), (error) => {
      assert.ok(error instanceof PaymentRequiredError && error instanceof Error);
      assert.equal(error.name, 'PaymentRequiredError');
      assert.equal(error.paymentRequired.x402Version, 2);
      assert.equal(error.paymentRequired.accepts[0].planId, platform.planId);
      assert.equal(error.paymentRequired.accepts[0].scheme, 'nvm:erc4337');
      return true;
    });
  }
  assert.equal(ran, 0);
  const [accept] = await search.invoke({ query: 'q' }, {}).catch(({ paymentRequired }) => paymentRequired.accepts);
  const { accessToken } = await buyer.x402.getX402AccessToken(accept.planId, undefined, { scheme: accept.scheme });
  assert.equal(await search.invoke({ query: 'q' }, { configurable: { payment_token: accessToken } }), 'a result');
});

test('a token of somebody without credits, and one that is rubbish: refused before the tool runs', async () => {
  let ran = 0;
  const search = sell(() => { ran += 1; return 'a result'; }, { credits: 2 });
  const poor = await platform.buyer({}, { credits: false });
  const { accessToken } = await poor.x402.getX402AccessToken(platform.planId);
  for (const payment_token of ['rubbish', `${accessToken}x`]) {
    await assert.rejects(search.invoke({ query: 'q' }, { configurable: { payment_token } }), PaymentRequiredError);
  }
  assert.equal(ran, 0);
  assert.equal(lastSettlement(), undefined);
});

test('a tool that throws costs nothing, and its own error is thrown', async () => {
  const held = await buyer.held();
  await assert.rejects(sell(() => { throw new RangeError('out of order'); }).invoke({ query: 'q' }, paying()), /out of order/);
  assert.equal(await buyer.held(), held);
});

test('the tool gets the payment, and neither it nor what it starts gets the token', async () => {
  let received;
  const paid = requiresPayment((args, config) => { received = structuredClone(config.configurable); return 'a result'; }, { payments: seller, planId: platform.planId });
  closing.push(paid);
  const configurable = { payment_token: token, thread_id: 't' };
  await paid({ query: 'q' }, { configurable });
  assert.equal(received.thread_id, 't');
  assert.equal(received.payment_context.planId, platform.planId);
  assert.equal(received.payment_context.verified, true);
  assert.ok(!JSON.stringify(received, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes(token));
  assert.equal(configurable.payment_settlement.success, true);
});

test('wrong options are errors that name them', async () => {
  const needs = (options, text) => assert.throws(() => requiresPayment(() => 1, options), text);
  needs(undefined, /payments/);
  needs({ payments: seller }, /planId/);
  assert.throws(() => requiresPayment('search', {}), /function/);
  const paid = requiresPayment(() => 1, { payments: seller, planId: platform.planId, credit: 2 });
  await assert.rejects(paid.ready(), /credit/);
});

test('an agent of LangGraph: the offer reaches the caller, and a token pays the tools of a run', async () => {
  const held = await buyer.held();
  const search = sell(({ query }) => `Results for ${query}`, { credits: 3 });
  const asked = { messages: [{ role: 'human', content: 'Research x402' }] };
  await assert.rejects((await createPaidReactAgent(new Model({}), [search], { prompt: 'Search.' })).invoke(asked, { configurable: {} }), (error) => {
    assert.equal(error.paymentRequired.accepts[0].planId, platform.planId);
    return error instanceof PaymentRequiredError;
  });
  const { messages } = await (await createPaidReactAgent(new Model({}), [search])).invoke(asked, paying());
  assert.ok(messages.some(({ content }) => content === 'Results for x402'));
  assert.equal(messages.at(-1).content, 'done');
  assert.equal(await buyer.held(), held - 3n);
  assert.equal(BigInt(lastSettlement().creditsRedeemed), 3n);
  for (const name of ['llm', 'tools']) await assert.rejects(createPaidReactAgent(new Model({}), [search], { [name]: [] }), new RegExp(name));
});
