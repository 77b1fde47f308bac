// Prices and credits of plans, as plain objects (contract section 5). Pure: nothing is sent, and no given object is
// changed. Amounts are whole and returned as `bigint`.
import { EURC_TOKEN_ADDRESS, ZeroAddress } from './names.js';
import { Currency, PlanRedemptionType } from './enums.js';
import { wrong } from './core.js';

/** A whole amount. A number that is not exact may have been another before it was given. */
function whole(value, field) {
  if (typeof value === 'bigint' && value >= 0n) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,78}$/.test(value)) return BigInt(value);
  throw wrong(field, 'a whole amount: a bigint, a decimal string or a safe integer');
}

function address(value, field) {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{40}$/.test(value)) return value;
  throw wrong(field, 'an address: 0x and 40 hexadecimal digits');
}

const price = (amount, receiver, { token = ZeroAddress, template = ZeroAddress, isCrypto = true, currency } = {}) => ({
  tokenAddress: address(token, 'tokenAddress'),
  amounts: [whole(amount, 'amount')],
  receivers: [address(receiver, 'receiver')],
  contractAddress: ZeroAddress,
  feeController: ZeroAddress,
  externalPriceAddress: ZeroAddress,
  templateAddress: template,
  isCrypto,
  ...(currency !== undefined && { currency }),
});

export const getFiatPriceConfig = (amount, receiver, currency = Currency.USD) => price(amount, receiver, { isCrypto: false, currency });
export const getCryptoPriceConfig = (amount, receiver, token) => price(amount, receiver, { token });
export const getERC20PriceConfig = (amount, token, receiver) => price(amount, receiver, { token: address(token, 'tokenAddress') });
export const getEURCPriceConfig = (amount, receiver, token = EURC_TOKEN_ADDRESS) => price(amount, receiver, { token, currency: Currency.EURC });
export const getNativeTokenPriceConfig = (amount, receiver) => price(amount, receiver);
export const getFreePriceConfig = () => ({ ...price(0n, ZeroAddress), amounts: [], receivers: [] });
export const getPayAsYouGoPriceConfig = (amount, receiver, token, template) =>
  price(amount, receiver, { token, template: address(template, 'templateAddress') });

const credits = (members) => ({
  isRedemptionAmountFixed: false, redemptionType: PlanRedemptionType.ONLY_SUBSCRIBER, onchainMirror: false, durationSecs: 0n, amount: 1n,
  minAmount: 1n, maxAmount: 1n, ...members,
});

export const getExpirableDurationConfig = (durationOfPlan) => credits({ durationSecs: whole(durationOfPlan, 'durationOfPlan') });
export const getNonExpirableDurationConfig = () => credits();
export const getPayAsYouGoCreditsConfig = () => credits();

export function getFixedCreditsConfig(creditsGranted, creditsPerRequest = 1n) {
  const each = whole(creditsPerRequest, 'creditsPerRequest');
  return credits({ isRedemptionAmountFixed: true, amount: whole(creditsGranted, 'creditsGranted'), minAmount: each, maxAmount: each });
}

export const getDynamicCreditsConfig = (creditsGranted, minCreditsPerRequest = 1n, maxCreditsPerRequest = 1n) => credits({
  amount: whole(creditsGranted, 'creditsGranted'),
  minAmount: whole(minCreditsPerRequest, 'minCreditsPerRequest'),
  maxAmount: whole(maxCreditsPerRequest, 'maxCreditsPerRequest'),
});

export function setRedemptionType(creditsConfig, redemptionType) {
  if (!Object.values(PlanRedemptionType).includes(redemptionType)) throw wrong('redemptionType', '0, 1, 2 or 4');
  return { ...creditsConfig, redemptionType };
}

export function setOnchainMirror(creditsConfig, onchainMirror = true) {
  if (typeof onchainMirror !== 'boolean') throw wrong('onchainMirror', 'true or false');
  return { ...creditsConfig, onchainMirror };
}
