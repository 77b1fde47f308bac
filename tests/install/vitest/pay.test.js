import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Payments } from 'payments-wasm';
import { payAndReport } from './pay.js';

test('a payment', async () => {
  expect(typeof globalThis.document).toBe(process.env.ENVIRONMENT === 'node' ? 'undefined' : 'object');
  writeFileSync('result.json', JSON.stringify(await payAndReport(Payments, JSON.parse(process.env.CONFIG))));
});
