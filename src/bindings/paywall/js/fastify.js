// `payments-wasm/fastify`: the gate as a plugin of Fastify.
import { nodeMiddleware } from './node_middleware.js';

/** Protects routes: `app.register(paymentPlugin, { payments, routes: { 'POST /ask': { planId, credits: 1 } } })`. */
export async function paymentPlugin(app, { payments, routes, ...options }) {
  const middleware = nodeMiddleware(payments, routes, options);
  const paid = new Set(Object.keys(routes).map(shapeOf));
  const open = new Set((options.openRoutes ?? []).map((key) => shapeOf(key).replace(/\/$/, '')));
  /**
   * True if Fastify has found a paid handler without one of its parameters, as `/tools/:name` for `/tools/` and `/tools/:name?` for `/tools`: a path that
   * the gate knows as another.
   */
  const isEmpty = ({ params, routeOptions: { url }, raw }) => url !== undefined
    && Object.values(params ?? {}).filter(Boolean).length < shapeOf(url).match(/[:*]|$/g).length - 1
    && paid.has(shapeOf(url)) && !open.has(shapeOf(raw.url.replace(/\/?(\?.*)?$/, '')));
  if (!app.hasRequestDecorator('paymentContext')) app.decorateRequest('paymentContext', null);
  app.addHook('onRequest', (request, reply, done) => {
    let passed = false;
    const next = (error) => {
      passed = true;
      done(error);
    };
    const facts = {
      views: { request, response: reply }, mount: '', address: request.ip,
      protocol: request.protocol, host: (request.host ?? request.hostname) || 'localhost', path: request.raw.url, asked: request.originalUrl,
      inDoubt: isEmpty(request),
      // Fastify must not write an answer that is written without it.
      written: () => { if (!passed) reply.hijack(); },
    };
    middleware(request.raw, reply.raw, facts, next).catch((error) => (passed ? request.log.error(error) : done(error)));
  });
  app.addHook('onClose', () => middleware.close());
  app.addHook('onReady', () => middleware.ready());
}

/** The path of a route's key, without the names of its parameters. */
const shapeOf = (key) => key.slice(key.indexOf('/')).replace(/:[^/]+/g, ':').replace(/\*[^/]*/g, '*').toLowerCase();

// The gate is for the whole application, not only for what is registered beside it.
paymentPlugin[Symbol.for('skip-override')] = true;
paymentPlugin[Symbol.for('fastify.display-name')] = 'payments-wasm';
