/** @jest-environment jest-fixed-jsdom */
const { payAndReport } = require('./pay.cjs');

test('a payment', async () => {
  const { Payments } = require('payments-wasm');
  const { writeFileSync } = require('node:fs');
  writeFileSync('result.json', JSON.stringify(await payAndReport(Payments, JSON.parse(process.env.CONFIG))));
});
