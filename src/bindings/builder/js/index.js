// The parts of the entries of `payments-wasm/builder`. An entry makes the class with `createBuilder`, so that each
// entry loads wasm in its own way.
export { createBuilder as default } from './payments.js';
export { PaymentsError, OutcomeUnknown, SessionExpired } from '../../subscriber/js/error.js';
export * from '../../subscriber/js/constants.js';
export * from './enums.js';
export * from './mpp_headers.js';
export * from './price_configs.js';
export {
  calculateDummySongUsage, calculateImageUsage, calculateSongUsage, calculateVideoUsage, createHeliconePayload, createHeliconeResponse,
} from './observability.js';
