// An A2A agent of a card and an executor, over the official SDK: the fetch handler behind `payments.a2a.handler()` and `start()`. It speaks versions 0.3 and 1.0.

/** Makes the fetch handler of an agent. `sdk` gives the modules of `@a2a-js/sdk`. */
export function createAgentHandler(sdk, { agentCard, executor, taskStore, pushNotificationStore, pushNotificationSender, basePath, exposeAgentCard }) {
  let made;
  const make = async (url) => {
    const { server, compat, Extensions } = await sdk();
    const card = completed(agentCard, url);
    const push = card.capabilities.pushNotifications ? pushNotificationStore ?? new server.InMemoryPushNotificationStore() : undefined;
    const sender = push && afterPayment(pushNotificationSender ?? compat.createLegacyAwarePushNotificationSender?.(push) ?? new server.DefaultPushNotificationSender(push));
    const handler = new server.DefaultRequestHandler(card, taskStore ?? new server.InMemoryTaskStore(), counting(executor), undefined, push, sender);
    return { server, compat, Extensions, card, current: new server.JsonRpcTransportHandler(handler), old: new compat.LegacyJsonRpcTransportHandler(handler) };
  };
  return async (request, { report, paymentContext, delivery } = {}) => {
    const { pathname, origin } = new URL(request.url);
    const base = `/${basePath}/`.replace(/\/+/g, '/');
    made ??= make(`${origin}${base}`).catch((error) => { made = undefined; throw error; });
    const { server, compat, Extensions, card, current, old } = await made;
    if (request.method !== 'POST') {
      const asked = exposeAgentCard && request.method === 'GET' && /^\/(.*\/)?\.well-known\/agent(-card)?\.json$/.test(pathname);
      return asked ? Response.json(inBothVersions(card)) : Response.json({ error: 'Not Found' }, { status: 404 });
    }
    if (`${pathname}/`.replace(/\/+/g, '/') !== base) return Response.json({ error: 'Not Found' }, { status: 404 });
    const body = await request.json();
    const { headers } = request;
    const version = headers.get('a2a-version') || '0.3';
    const isOld = version.startsWith('0.3');
    const transport = isOld ? old : current;
    const state = new Map([['report', report], ['paymentContext', paymentContext], ['delivery', delivery], ['headers', Object.fromEntries(headers)]]);
    const context = new server.ServerCallContext({
      requestedVersion: version, user: new server.UnauthenticatedUser(), state,
      requestedExtensions: Extensions.parseServiceParameter(headers.get('x-a2a-extensions') ?? headers.get('a2a-extensions') ?? undefined),
    });
    const failed = (error) => ({ jsonrpc: '2.0', id: body?.id ?? null, error: isOld ? compat.LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError(error) : server.JsonRpcTransportHandler.mapToJSONRPCError(error) });
    try {
      server.validateVersion(context.requestedVersion, card, 'JSONRPC');
      const answer = await transport.handle(body, context);
      return typeof answer?.[Symbol.asyncIterator] === 'function' ? stream(answer, failed) : Response.json(answer);
    } catch (error) {
      return Response.json(failed(error));
    }
  };
}

/** The states that cost nothing: failed, canceled, asks for more, rejected, asks for a login; and those before the end. */
const [FREE, PROGRESS] = [[4, 5, 6, 7, 8], [1, 2]];

/** The sender of push notifications, which sends what a message made once that is settled. */
function afterPayment(sender) {
  return {
    async send(event, context, task) {
      const { $case, value } = event?.payload ?? {};
      const state = $case === 'message' || $case === 'artifactUpdate' || task?.artifacts?.length || value?.artifacts?.length ? undefined : value?.status?.state;
      const delivery = PROGRESS.includes(state) ? 'paid' : await context?.state?.get('delivery') ?? 'paid';
      // As it is now: a sender may write it later, when the agent has made more.
      if (delivery === 'paid' || (delivery === 'free' && FREE.includes(state))) await sender.send(event, context, structuredClone(task));
    },
  };
}

/** The executor, whose `metadata.creditsUsed` is told to the gate. */
function counting(executor) {
  return {
    cancelTask: (...given) => executor.cancelTask(...given),
    async execute(context, bus) {
      const report = context.context?.state?.get('report');
      const heard = (event) => {
        const { metadata } = event?.data ?? event ?? {};
        if (metadata?.creditsUsed !== undefined) report?.(metadata.creditsUsed);
      };
      bus.on('event', heard);
      try {
        return await executor.execute(context, bus);
      } finally {
        bus.off('event', heard);
      }
    },
  };
}

function stream(answers, failed) {
  const encoder = new TextEncoder();
  const line = (message) => encoder.encode(`data: ${JSON.stringify(message)}\n\n`);
  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await answers.next();
        if (done) controller.close();
        else controller.enqueue(line(value));
      } catch (error) {
        controller.enqueue(line(failed(error)));
        controller.close();
      }
    },
    async cancel() { await answers.return?.(); },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' } });
}

/** The card with all that the SDK asks for: a card of version 0.3 has its address in `url`. */
function completed(card, url) {
  const { url: own = url, protocolVersion, preferredTransport, additionalInterfaces, ...rest } = card;
  const interfaces = card.supportedInterfaces?.length ? card.supportedInterfaces
    : [['JSONRPC', '1.0'], ['JSONRPC', '0.3'], ['HTTP+JSON', '1.0']].map(([binding, version]) => ({ url: own, protocolBinding: binding, protocolVersion: version, tenant: '' }));
  return { defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'], skills: [], securityRequirements: [], securitySchemes: {}, signatures: [], ...rest, supportedInterfaces: interfaces };
}

/** The card for clients of both versions. */
function inBothVersions(card) {
  const [first] = card.supportedInterfaces;
  return { protocolVersion: '0.3.0', preferredTransport: 'JSONRPC', url: first.url, ...card };
}
