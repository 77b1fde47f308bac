// The public types of `payments-wasm/fastify`. The types of Fastify are not imported, so that projects without them compile.
import type { Payments } from './index.js';
import type { PaymentMiddlewareOptions, RouteConfigMap } from './express.js';

/** Options of the plugin: hooks and prices get Fastify's request and reply. */
export interface PaymentPluginOptions extends PaymentMiddlewareOptions {
  /** The instance whose key verifies and settles. */
  payments: Payments;
  /** Routes by `METHOD /path`. */
  routes: RouteConfigMap;
}

/**
 * Protects routes of the whole application: `await app.register(paymentPlugin, { payments, routes })`. A handler finds the payment as
 * `request.paymentContext`. `app.ready()` rejects where an option is wrong.
 */
export function paymentPlugin(app: any, options: PaymentPluginOptions): Promise<void>;
