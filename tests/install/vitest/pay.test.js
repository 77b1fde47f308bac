import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Payments } from 'payments-wasm';
import { told } from './pay.js';

test('a payment', async () => {
  expect(typeof globalThis.document).toBe(process.env.ENVIRONMENT === 'node' ? 'undefined' : 'object');
  writeFileSync('told.json', JSON.stringify(await told(Payments, JSON.parse(process.env.CONFIG))));
});
