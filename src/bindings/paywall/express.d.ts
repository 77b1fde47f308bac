// The public types of `payments-wasm/express`. The types of Express are not imported, so that projects without them compile.
import type { Payments } from './index.js';
import type { PaymentContext, PaywallError, PaywallOptions, RouteConfig as GateRoute, Settlement, Verification } from './paywall.js';

export type { PaymentContext } from './paywall.js';

/** A route: the gate's, with a price that may be a function of Express's request and response. */
export interface RouteConfig extends Omit<GateRoute, 'credits'> {
  /**
   * Credits of a request, by default 1. A function is called after the handler, with what the handler left on `res.locals`; the buyer is verified for
   * the most that the plan allows for a request, or for `most`, and never charged more.
   */
  credits?: GateRoute['credits'] | CreditsFunction | { by: CreditsFunction; most: number | string };
}

/** A price that is known once the handler has answered. */
export type CreditsFunction = (req: any, res: any) => number | bigint | Promise<number | bigint>;

/** Routes by `METHOD /path`. */
export type RouteConfigMap = Record<string, RouteConfig>;

/** The official options, and those of the gate. */
export interface PaymentMiddlewareOptions extends Omit<PaywallOptions, 'routes' | 'onBeforeVerify' | 'onAfterVerify' | 'onAfterSettle' | 'onPaymentError'> {
  /** Called before a token is verified. One that throws refuses the payment. */
  onBeforeVerify?: (req: any, paymentRequired: PaymentContext['paymentRequired']) => void | Promise<void>;
  /** Called after it was verified. One that throws refuses the payment. */
  onAfterVerify?: (req: any, verification: Verification) => void | Promise<void>;
  /** Called after the credits were burned: the amount that was asked for, and the receipt, which says what was burned. */
  onAfterSettle?: (req: any, creditsUsed: number | bigint, settlement: Settlement) => void | Promise<void>;
  /** Answers a payment that failed, through `res`. One that does not answer leaves the gate's answer. */
  onPaymentError?: (error: PaywallError, req: any, res: any) => void | Promise<void>;
}

/** A middleware of Express. */
export interface ExpressMiddleware {
  (req: any, res: any, next: (error?: any) => void): void;
  /** Reads the options, and the plans whose price is a function. Rejects with a `PaywallError` where one is wrong. */
  ready(): Promise<void>;
  /** Stops the timers of the state in memory. */
  close(): Promise<void>;
}

/**
 * Protects routes: `app.use(paymentMiddleware(payments, { 'POST /ask': { planId, credits: 1 } }))`, before the handlers. A handler finds the payment as
 * `req.paymentContext`. Its answer goes out once the credits are burned, with the receipt; a route that is not listed is not touched.
 */
export function paymentMiddleware(payments: Payments, routes: RouteConfigMap, options?: PaymentMiddlewareOptions): ExpressMiddleware;

/** Headers of x402 over HTTP. */
export const X402_HEADERS: { readonly PAYMENT_SIGNATURE: 'payment-signature'; readonly PAYMENT_REQUIRED: 'payment-required'; readonly PAYMENT_RESPONSE: 'payment-response' };

/** Keeps the bytes of a body for `getRawBody`: `express.json({ verify: captureRawBody })`. */
export function captureRawBody(req: any, res: any, bytes: Uint8Array): void;
/** The bytes that `captureRawBody` kept. */
export function getRawBody(req: any): Uint8Array | undefined;
/** The digest of a body as challenges of MPP have it: `sha-256=` and base64. */
export function computeBodyDigest(bytes: Uint8Array): string;
