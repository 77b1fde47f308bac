// The gate as a middleware of Hono: what comes behind it in the chain is the handler.

/** `paywall` is the entry's. */
export const createHono = (paywall) => (options) => {
  const gate = paywall(() => { throw new Error('the chain is the handler'); }, options);
  const middleware = async (c, next) => {
    let context;
    try {
      context = c.executionCtx;
    } catch {
      // Where there is none, nothing can be left behind but promises.
    }
    const response = await gate.serve(c.req.raw, c.env, context, async (request, { paymentContext }) => {
      c.req.raw = request;
      c.set('paymentContext', paymentContext);
      await next();
      return c.res;
    });
    // Hono adds the headers of a response that is replaced to the new one, unless there is none.
    c.res = undefined;
    c.res = response;
  };
  return Object.assign(middleware, { ready: gate.ready, close: gate.close });
};
