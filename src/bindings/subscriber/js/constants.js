// Fixed values of the protocol, with the official SDK's names.

/** Durations of time plans, in seconds. */
export const ONE_DAY_DURATION = 86_400n;
export const ONE_WEEK_DURATION = 604_800n;
export const ONE_MONTH_DURATION = 2_629_746n;
export const ONE_YEAR_DURATION = 31_557_600n;

/** The zero address, which also stands for the native token. */
export const ZeroAddress = '0x0000000000000000000000000000000000000000';

/** Tokens, on Base and on Base Sepolia. */
export const EURC_TOKEN_ADDRESS = '0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42';
export const EURC_TOKEN_ADDRESS_TESTNET = '0x808456652fdb597867f38412077A9182bf77359F';
export const USDC_TOKEN_ADDRESS = '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913';
export const USDC_TOKEN_ADDRESS_TESTNET = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
