// A service behind the gate on Deno or Bun, as docs/paywall.md has it: `Deno.serve(gate)`, `Bun.serve({ fetch: gate })`. Started by
// runtimes.test.mjs; its options come in the environment. With BUY it is a buyer instead, and pays what that names, one URL after
// another.
import { Payments } from 'payments-wasm';
import { paywall } from 'payments-wasm/paywall';

const { process } = globalThis;
const given = JSON.parse(process.env.OPTIONS);

if (process.env.BUY) {
  const payments = await Payments.getInstance({ ...given, approve: () => true });
  for (const url of process.env.BUY.split(' ')) {
    try {
      const { response, receipt } = await payments.fetch(url, { method: 'POST', body: 'bought' });
      console.log(JSON.stringify({ status: response.status, text: await response.text(), credits: String(receipt?.creditsRedeemed) }));
    } catch (error) {
      console.log(JSON.stringify({ code: error.code ?? error.message, outcome: error.spend?.outcome }));
    }
  }
} else {
  let go;
  const going = new Promise((resolve) => { go = resolve; });
  let calls = 0;
  let here;
  const arrived = new Promise((resolve) => { here = resolve; });
  let hasty;
  let gone;
  const left = new Promise((resolve) => { gone = resolve; });
  const handler = async (request, { paymentContext }) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/calls') return Response.json({ calls });
    if (pathname === '/go') return go(), new Response('ok');
    if (pathname === '/here') return await arrived, new Response('ok');
    if (pathname === '/gone') return await left, new Response('ok');
    if (pathname === '/hasty') return Response.json({ port: hasty?.port });
    calls++;
    if (pathname === '/slow') await new Promise((done) => setTimeout(done, 12_000));
    if (pathname.startsWith('/coded/')) return fetch(`${process.env.UPSTREAM}${pathname.slice(6)}`);
    if (pathname === '/again/gzip') {
      const answer = await fetch(`${process.env.UPSTREAM}/gzip`);
      return new Response(answer.body, answer);
    }
    if (pathname === '/spent') {
      const answer = new Response('secret');
      await answer.text();
      return answer;
    }
    if (pathname === '/stream') {
      const text = new TextEncoder();
      return new Response(new ReadableStream({
        async start(controller) {
          controller.enqueue(text.encode('data: one\n\n'));
          await going;
          controller.enqueue(text.encode('data: two\n\n'));
          controller.close();
        },
      }), { headers: { 'content-type': 'text/event-stream' } });
    }
    if (pathname === '/held') {
      request.signal.addEventListener('abort', gone);
      here();
      await left;
    }
    return new Response(`${await request.text()} for ${paymentContext?.credits} by ${paymentContext?.payer}`, { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] });
  };
  given.routes['POST /long'].credits = async (request) => ((await request.text()).length > 5 ? 3 : 1);
  given.routes['GET /files/*path'].credits = (request) => (new URL(request.url).pathname === '/files/big' ? 5 : 1);
  const gate = paywall(handler, { ...given, onBeforeVerify() {}, onAfterSettle() {} });
  await gate.ready();
  const listening = ({ port }) => console.log(`listening on ${port}`);
  if (globalThis.Deno) globalThis.Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: listening }, gate);
  // Bun ends a connection on which nothing was said for ten seconds, and a busy machine may take that long.
  else {
    listening(globalThis.Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: gate, idleTimeout: 255 }));
    hasty = globalThis.Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: gate, idleTimeout: 4 });
  }
}
