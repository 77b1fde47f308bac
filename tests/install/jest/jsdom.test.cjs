/** @jest-environment jest-fixed-jsdom */
const { told } = require('./pay.cjs');

test('a payment', async () => {
  const { Payments } = require('payments-wasm');
  const { writeFileSync } = require('node:fs');
  writeFileSync('told.json', JSON.stringify(await told(Payments, JSON.parse(process.env.CONFIG))));
});
