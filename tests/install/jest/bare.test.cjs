/** @jest-environment jsdom */
const { default: init, Payments, PaymentsError, buildPaymentRequired } = require('payments-wasm');

test('it loads, and answers', async () => {
  await init();
  expect((await buildPaymentRequired('1', {})).x402Version).toBe(2);
  const payments = Payments.getBrowserInstance({ returnUrl: location.href, environment: 'custom', backend: 'http://127.0.0.1:9' });
  expect(payments.isLoggedIn).toBe(false);
  expect(() => Payments.getInstance({ nvmApiKey: 'nonsense' })).toThrow(PaymentsError);
});
