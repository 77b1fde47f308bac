// The public types of `payments-wasm/next`.
import type { Payments } from './index.js';
import type { PaymentContext, PaywallOptions, RouteConfig } from './paywall.js';

/** A route handler of Next.js that is paid for. */
export interface PaidRoute<Request_ extends Request = Request> {
  (request: Request_, context?: any): Promise<Response>;
  /** Rejects with a `PaywallError` where an option is wrong. */
  ready(): Promise<void>;
  /** Stops the timers of a state in memory. */
  close(): Promise<void>;
}

/**
 * A route handler that is paid for: `export const POST = paidRoute(payments, { planId, credits: 1 }, async (request) => Response.json(…))`. The handler
 * gets what Next.js gives it, and `paymentContext` in its second argument. `options` are those of the gate. `payments` may be a function, which is
 * called with the first request: an application that is built where there is no key needs that.
 */
export function paidRoute(payments: Payments | (() => Payments), route: RouteConfig, handler: PaidHandler, options?: Omit<PaywallOptions, 'routes'>): PaidRoute;

/** A route handler: Next.js's own arguments, with the payment. */
export type PaidHandler = (request: Request, context: any & { paymentContext: PaymentContext | undefined }) => Response | Promise<Response>;

/** Options of the middleware: those of the gate. */
export interface NextMiddlewareOptions extends Omit<PaywallOptions, 'routes' | 'origin'> {
  /**
   * Where the application answers, if not at the address of the request: `http://127.0.0.1:3000` behind a proxy. It has to be given where Next.js takes that
   * address from the `Host` of the client (`trustHostHeader`), but on Vercel and in Workers.
   */
  origin?: string;
}

/**
 * A middleware: `export const middleware = paymentMiddleware(payments, routes)`. A paid request goes to the application once more from here, so that its
 * answer is charged for and gets its receipt, and so does one for an open route below a paid route with a parameter; any other goes on as it is. `payments` may be a function, as in `paidRoute`.
 */
export function paymentMiddleware(payments: Payments | (() => Payments), routes: Record<string, RouteConfig>, options?: NextMiddlewareOptions): ((request: Request) => Promise<Response | undefined>) & { ready(): Promise<void>; close(): Promise<void> };
