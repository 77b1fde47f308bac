// Notes to the state that can wait: the next command to their object takes them along, and without one they go by themselves.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { paywall } from '../../target/dist/subscriber/paywall.js';
import { PLAN, SELLER_KEY, once, startFacilitator } from '../workerd/harness.mjs';

/** Longer than a note waits, and than the pause after one that was not heard. */
const LONG = 400;

let facilitator;
before(async () => { facilitator = await startFacilitator(); });
after(() => facilitator.stop());
beforeEach(() => facilitator.reset());

/** A namespace whose objects admit everybody. `told` has the commands of each call, by what they do; `fails(commands)` says which calls are not heard. */
function namespace(fails = () => false) {
  const told = [];
  const fetch = async (_, { body }) => {
    const commands = body.split('\n').map((one) => JSON.parse(one));
    told.push(commands.map(({ do: what }) => what));
    if (fails(commands)) return new Response('', { status: 500 });
    return Response.json(commands.at(-1).do === 'admit' ? { say: 'admitted', free: false } : { say: 'done' });
  };
  return { told, idFromName: (name) => name, get: () => ({ fetch }) };
}

/** Makes a gate with that state: `ask()` pays for one answer of a handler, and gives its status. */
async function gate(state, handler = () => new Response('an answer')) {
  const answer = paywall(handler, {
    nvmApiKey: SELLER_KEY, environment: 'custom', backend: facilitator.url, unlisted: 'deny', log: false, state,
    routes: { 'GET /paid': { planId: PLAN, credits: 1 } },
  });
  await answer.ready();
  return async () => (await answer(new Request('https://api.example/paid', { headers: { 'payment-signature': once() } }))).status;
}

test('a request takes along the close of the one before, and the last close goes by itself', async () => {
  const state = namespace();
  const ask = await gate(state);
  for (let asked = 0; asked < 3; asked++) assert.equal(await ask(), 200);
  assert.deepEqual(state.told, [['admit'], ['close', 'admit'], ['close', 'admit']]);
  await pause(LONG);
  assert.deepEqual(state.told.slice(3), [['close']]);
});

test('a note that went along with a call that failed is told again, and the call is made without it', async () => {
  const state = namespace((commands) => commands.length > 1);
  const ask = await gate(state);
  assert.deepEqual([await ask(), await ask()], [200, 200]);
  assert.deepEqual(state.told, [['admit'], ['close', 'admit'], ['admit']]);
  await pause(LONG);
  assert.deepEqual(state.told.slice(3).filter(({ length }) => length === 1), [['close'], ['close']]);
});

test('objects do not get the notes of another', async () => {
  const [one, other] = [namespace(), namespace()];
  one.idFromName = (name) => `one ${name}`;
  const [ask, askOther] = [await gate(one), await gate(other)];
  assert.deepEqual([await ask(), await askOther()], [200, 200]);
  assert.deepEqual([one.told, other.told], [[['admit']], [['admit']]]);
  await pause(LONG);
  assert.deepEqual([one.told, other.told], [[['admit'], ['close']], [['admit'], ['close']]]);
});

test('a token that was not used up is given back at once', async () => {
  const state = namespace();
  const ask = await gate(state, () => new Response('no', { status: 500 }));
  assert.equal(await ask(), 500);
  await pause(5);
  assert.deepEqual(state.told, [['admit'], ['release']]);
});
