// Prices and credits of plans, as the contract defines them (section 5), and amounts that are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '../../target/dist/subscriber/builder.js';

const [ME, TOKEN, TEMPLATE] = ['1', '2', '3'].map((digit) => `0x${digit.repeat(40)}`);
const ZERO = sdk.ZeroAddress;

const price = (more) => ({
  tokenAddress: ZERO, amounts: [5n], receivers: [ME], contractAddress: ZERO, feeController: ZERO, externalPriceAddress: ZERO, templateAddress: ZERO,
  isCrypto: true, ...more,
});
const credits = (more) => ({
  isRedemptionAmountFixed: false, redemptionType: 4, onchainMirror: false, durationSecs: 0n, amount: 1n, minAmount: 1n, maxAmount: 1n, ...more,
});

test('prices', () => {
  for (const [name, given, expected] of [
    ['getFiatPriceConfig', [5n, ME], { isCrypto: false, currency: 'USD' }],
    ['getFiatPriceConfig', [5n, ME, 'EUR'], { isCrypto: false, currency: 'EUR' }],
    ['getCryptoPriceConfig', [5n, ME], {}],
    ['getCryptoPriceConfig', ['5', ME, TOKEN], { tokenAddress: TOKEN }],
    ['getERC20PriceConfig', [5, TOKEN, ME], { tokenAddress: TOKEN }],
    ['getEURCPriceConfig', [5n, ME], { tokenAddress: sdk.EURC_TOKEN_ADDRESS, currency: 'EURC' }],
    ['getEURCPriceConfig', [5n, ME, sdk.EURC_TOKEN_ADDRESS_TESTNET], { tokenAddress: sdk.EURC_TOKEN_ADDRESS_TESTNET, currency: 'EURC' }],
    ['getFreePriceConfig', [], { amounts: [], receivers: [] }],
    ['getNativeTokenPriceConfig', [5n, ME], {}],
    ['getPayAsYouGoPriceConfig', [5n, ME, undefined, TEMPLATE], { templateAddress: TEMPLATE }],
    ['getPayAsYouGoPriceConfig', [5n, ME, TOKEN, TEMPLATE], { tokenAddress: TOKEN, templateAddress: TEMPLATE }],
  ]) {
    assert.deepEqual(sdk[name](...given), price(expected), `${name}(${given.map(String)})`);
  }
});

test('credits', () => {
  for (const [name, given, expected] of [
    ['getExpirableDurationConfig', [sdk.ONE_WEEK_DURATION], { durationSecs: 604_800n }],
    ['getNonExpirableDurationConfig', [], {}],
    ['getFixedCreditsConfig', [100n], { isRedemptionAmountFixed: true, amount: 100n }],
    ['getFixedCreditsConfig', ['100', 2], { isRedemptionAmountFixed: true, amount: 100n, minAmount: 2n, maxAmount: 2n }],
    ['getDynamicCreditsConfig', [100n], { amount: 100n }],
    ['getDynamicCreditsConfig', [100n, 0n, 5n], { amount: 100n, minAmount: 0n, maxAmount: 5n }],
    ['getPayAsYouGoCreditsConfig', [], {}],
    ['setRedemptionType', [credits(), sdk.PlanRedemptionType.ONLY_OWNER], { redemptionType: 1 }],
    ['setOnchainMirror', [credits()], { onchainMirror: true }],
    ['setOnchainMirror', [credits({ onchainMirror: true }), false], {}],
  ]) {
    assert.deepEqual(sdk[name](...given), credits(expected), `${name}(${given.map(String)})`);
  }
  assert.deepEqual([sdk.ONE_DAY_DURATION, sdk.ONE_WEEK_DURATION, sdk.ONE_MONTH_DURATION, sdk.ONE_YEAR_DURATION], [86_400n, 604_800n, 2_629_746n, 31_557_600n]);
});

test('what is no amount, no address, no choice is named', () => {
  for (const [field, call] of [
    ...[1.5, 2 ** 53, -1, -1n, '-1', '1.0', '1e3', '', ' 1', '0x1', Number.NaN, Infinity, null, undefined, true, {}, [], '1'.repeat(79)]
      .map((amount) => ['amount', () => sdk.getFiatPriceConfig(amount, ME)]),
    ['receiver', () => sdk.getFiatPriceConfig(1n, '0x1')],
    ['receiver', () => sdk.getERC20PriceConfig(1n, TOKEN, 'me')],
    // Receiver and token the other way round are both addresses; one that is missing is seen.
    ['tokenAddress', () => sdk.getERC20PriceConfig(1n, undefined, ME)],
    ['tokenAddress', () => sdk.getCryptoPriceConfig(1n, ME, 'USDC')],
    ['templateAddress', () => sdk.getPayAsYouGoPriceConfig(1n, ME, TOKEN)],
    ['durationOfPlan', () => sdk.getExpirableDurationConfig(0.5)],
    ['creditsGranted', () => sdk.getFixedCreditsConfig(2 ** 60)],
    ['creditsPerRequest', () => sdk.getFixedCreditsConfig(1n, -1)],
    ['minCreditsPerRequest', () => sdk.getDynamicCreditsConfig(1n, 0.1)],
    ['maxCreditsPerRequest', () => sdk.getDynamicCreditsConfig(1n, 1n, 'many')],
    ['redemptionType', () => sdk.setRedemptionType(credits(), 3)],
    ['onchainMirror', () => sdk.setOnchainMirror(credits(), 'yes')],
  ]) {
    assert.throws(call, (error) => error instanceof sdk.PaymentsError && error.code === 'validation' && error.message.startsWith(`${field} must be `), String(call));
  }
  assert.equal(sdk.getFiatPriceConfig('1'.repeat(78), ME).amounts[0], BigInt('1'.repeat(78)));
});

test('the fixed values cannot be changed', () => {
  const values = Object.values(sdk).filter((value) => typeof value === 'object');
  assert.equal(values.length, 10);
  for (const one of values) assert.ok(Object.isFrozen(one));
  assert.deepEqual(Object.values(sdk.PlanRedemptionType), [0, 1, 2, 4]);
});
