// `payments-wasm/fastify`: the gate as a plugin of Fastify.
import { nodeMiddleware } from './node_middleware.js';

/** Protects routes: `app.register(paymentPlugin, { payments, routes: { 'POST /ask': { planId, credits: 1 } } })`. */
export async function paymentPlugin(app, { payments, routes, ...options }) {
  const middleware = nodeMiddleware(payments, routes, options);
  if (!app.hasRequestDecorator('paymentContext')) app.decorateRequest('paymentContext', null);
  app.addHook('onRequest', (request, reply, done) => {
    let passed = false;
    const next = (error) => {
      passed = true;
      done(error);
    };
    const facts = {
      views: { request, response: reply }, mount: '', address: request.ip, url: `${request.protocol}://${request.host ?? request.hostname}${request.raw.url}`,
      // Fastify must not write an answer that is written without it.
      written: () => { if (!passed) reply.hijack(); },
    };
    middleware(request.raw, reply.raw, facts, next).catch((error) => (passed ? request.log.error(error) : done(error)));
  });
  app.addHook('onClose', () => middleware.close());
  app.addHook('onReady', () => middleware.ready());
}

// The gate is for the whole application, not only for what is registered beside it.
paymentPlugin[Symbol.for('skip-override')] = true;
paymentPlugin[Symbol.for('fastify.display-name')] = 'payments-wasm';
