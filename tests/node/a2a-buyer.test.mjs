// The buyer of A2A against agents that lie: what is presented counts, a single-use token goes out once (but where the agent knows no such task), and an agent's word
// settles nothing (rules 5 and 12).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { base64, offerOf, startPlatform, startSeller } from './harness.mjs';

let platform;
before(async () => { platform = await startPlatform(); });
after(() => platform.stop());

const STATUS = 'x402.payment.status';
const task = (metadata, state = 'working') => ({ kind: 'task', id: 't', contextId: 'c', status: { state, message: { kind: 'message', role: 'agent', messageId: 'm', parts: [], metadata } } });
const asks = (more) => task({ [STATUS]: 'payment-required', 'x402.payment.required': { ...offerOf(platform.planId), ...more } }, 'input-required');
const dear = (credits) => task({ [STATUS]: 'payment-required', 'x402.payment.required': offerOf(platform.planId, credits) }, 'input-required');
const elsewhere = () => asks({ accepts: [{ ...offerOf(platform.planId).accepts[0], network: 'eip155:8453' }] });

/** An agent that asks for a payment, and then answers each message with a payment as `answer(call, say, token)` says. `presented` has each token as often as it came. */
async function hostile(t, answer, { stream = false } = {}) {
  const presented = [];
  const seller = await startSeller(async ({ body, token, url }, response) => {
    const call = JSON.parse(body);
    const say = (more, status = 200, headers = {}) => {
      const text = JSON.stringify(Array.isArray(more) ? more : { jsonrpc: '2.0', id: call.id, ...more });
      response.writeHead(status, { 'content-type': stream ? 'text/event-stream' : 'application/json', ...headers }).end(stream ? `data: ${text}\n\n` : text);
    };
    const payload = call.params.message.metadata?.['x402.payment.payload'];
    // A message with a payment in band has it in a header too.
    if (payload ?? token) presented.push(payload ? Buffer.from(JSON.stringify(payload)).toString('base64url') : token);
    if (!payload && !token) return say({ result: asks() });
    return answer(call, say, url);
  });
  t.after(() => seller.stop());
  return { presented, url: seller.url };
}

const init = (method) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { message: { kind: 'message', role: 'user', messageId: 'm', parts: [{ kind: 'text', text: 'x' }] } } }) });

for (const tokenVersion of [2, 3]) {
  for (const stream of [false, true]) {
    test(`an agent takes no more than the limit, whatever it says of a payment: ${stream ? 'streams' : 'JSON'}, tokenVersion ${tokenVersion}`, async (t) => {
      let n = 0;
      const receipt = (one) => (call, say) => say({ result: task({ [STATUS]: 'payment-completed', 'x402.payment.receipts': one }, 'completed') });
      const rows = {
        'no receipt': receipt(undefined), 'not settled': receipt([{ success: false }]), 'nothing redeemed': receipt([{ success: true, creditsRedeemed: '0' }]), 'less than nothing': receipt([{ success: true, creditsRedeemed: '-3' }]),
        'all there is': receipt([{ success: true, creditsRedeemed: String(2n ** 256n - 1n) }]), 'of another plan': receipt([{ success: true, creditsRedeemed: '1', planId: '7', remainingBalance: '0' }]), 'a text': receipt('x'), 'no list': receipt({}),
        'asks again': (call, say) => say({ result: asks() }), 'asks for more': (call, say) => say({ result: dear(9) }), 'on another network': (call, say) => say({ result: elsewhere() }),
        'asks for more, each time': (call, say) => say({ result: dear(3 + n++) }), 'says it failed': (call, say) => say({ result: task({ [STATUS]: 'payment-failed', 'x402.payment.error': 'no' }, 'failed') }),
        'a 402': (call, say) => say({ error: { code: 1, message: 'no' } }, 402), 'a 402 with an offer': (call, say) => say({}, 402, { 'payment-required': base64(offerOf(platform.planId, 3)) }), 'a 401': (call, say) => say({}, 401), 'a 500': (call, say) => say({}, 500),
        'knows no task': (call, say) => say({ error: { code: -32001, message: 'no' } }), 'knows a task of its own': (call, say) => (call.params.message.taskId ? say({ error: { code: -32001, message: 'no' } }) : say({ result: asks() })),
        'knows no task, by turns': (call, say) => (n++ % 2 ? say({ result: dear(4 + n) }) : say({ error: { code: -32001, message: 'no' } })),
        'two results': (call, say) => say([{ jsonrpc: '2.0', id: 1, result: task({}) }, { jsonrpc: '2.0', id: 1, result: asks() }]), 'another id': (call, say) => say({ id: 99, result: dear(5) }),
        'a redirect': (call, say, url) => (url === '/' ? say({}, 307, { location: '/again' }) : say({ result: dear(6) })),
      };
      for (const [name, answer] of Object.entries(rows)) {
        const { presented, url } = await hostile(t, answer, { stream });
        const payments = await platform.buyer({ approve: undefined, tokenVersion, policy: { origins: [url], maxCreditsTotal: 30 } });
        const send = await payments.a2a.fetch();
        for (let i = 0; i < 5; i += 1) await send(url, init(stream ? 'message/stream' : 'message/send')).then((response) => response.text()).catch(() => {});
        const times = (one) => presented.filter((other) => other === one).length;
        const most = name.startsWith('knows') ? 2 : 1;
        if (tokenVersion === 3) assert.ok(presented.every((one) => times(one) <= most), `${name}: a token went out ${Math.max(...presented.map(times))} times`);
        for (const one of presented) await platform.seller.settle(platform.planId, one, 10);
        const counted = tokenVersion === 3 ? new Set(presented).size : presented.length;
        assert.deepEqual([name, payments.spend.credits], [name, BigInt(counted) * 10n]);
        assert.ok(100n - await payments.held() <= 30n, name);
      }
    });
  }
}
