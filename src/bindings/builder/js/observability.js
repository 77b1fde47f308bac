// The address and headers with which Helicone books a call to a language model on the agent's request (contract section
// 4.10). They work with any client. Nothing is sent from here.

import { wrong } from './arguments.js';

/** Where Helicone is: one for all hosted environments, and on this machine with `custom`. */
const HOSTED = 'https://helicone.nevermined.dev';
const LOCAL = 'http://localhost:8585';
const GATEWAY = '/jawn/v1/gateway/oai/v1';

const details = (prompt, completion) => ({
  prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
});

export const calculateImageUsage = (pixels) => details(0, pixels);
export const calculateVideoUsage = () => details(0, 1);
export const calculateSongUsage = (tokens) => details(0, tokens);
export const calculateDummySongUsage = () => calculateSongUsage(6);

export const createHeliconePayload = ({
  model, inputData, temperature = 1, top_p = 1, frequency_penalty = 0, presence_penalty = 0, n = 1, stream = false,
}) => ({
  model, temperature, top_p, frequency_penalty, presence_penalty, n, stream, messages: [{ role: 'user', content: JSON.stringify(inputData) }],
});

export function createHeliconeResponse({ idPrefix, model, resultData, usage, systemFingerprint }) {
  const now = Date.now();
  const none = details(0, 0);
  return {
    id: `${idPrefix}-${now}`,
    object: 'chat.completion',
    created: Math.floor(now / 1000),
    model,
    choices: [{
      index: 0, message: { role: 'assistant', content: JSON.stringify(resultData), refusal: null, annotations: [] }, logprobs: null, finish_reason: 'stop',
    }],
    usage: {
      prompt_tokens: usage.prompt_tokens, completion_tokens: usage.completion_tokens, total_tokens: usage.total_tokens,
      prompt_tokens_details: usage.prompt_tokens_details ?? none.prompt_tokens_details,
      completion_tokens_details: usage.completion_tokens_details ?? none.completion_tokens_details,
    },
    service_tier: 'default',
    system_fingerprint: systemFingerprint ?? `fp_${now}`,
  };
}

/** A text that a header can have: names of plans are in any script, and one line break would make another header. */
const inHeader = (value) => String(value).replace(/\p{Cs}/gu, '').replace(/[^\x20-\x7e\xa0-\xff]/gu, encodeURIComponent);

/** `house` has the key's facts and the environment; `helicone` is an address in the place of the environment's. */
export class Observability {
  #house;
  #origin;

  constructor(house, helicone) {
    this.#house = house;
    this.#origin = (helicone ?? (house.environment === 'custom' ? LOCAL : HOSTED)).replace(/\/+$/, '');
  }

  get heliconeBaseUrl() { return this.#origin + GATEWAY; }

  getHeliconeHeaders(agentRequest, customProperties = {}) {
    if (typeof agentRequest !== 'object' || !agentRequest) throw wrong('agentRequest', 'what verifyPermissions or startSimulationRequest gave');
    const { agentId, agentName, agentRequestId, batch, balance = {} } = agentRequest;
    const { key, environment } = this.#house;
    const properties = {
      accountAddress: key.account, consumerAddress: balance.holderAddress, agentId, planId: balance.planId, planType: balance.planType,
      planName: balance.planName, agentName, agentRequestId, pricePerCredit: balance.pricePerCredit, environmentName: environment,
      batch: batch ?? false, ismarginBased: false, marginPercent: 0, ...customProperties,
    };
    const headers = Object.entries(properties)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [`Helicone-Property-${name}`, inHeader(value)]);
    return { ...(key.observer && { 'Helicone-Auth': `Bearer ${key.observer}` }), ...Object.fromEntries(headers) };
  }

  withOpenAI(apiKey, agentRequest, customProperties) {
    return { apiKey, baseURL: this.heliconeBaseUrl, defaultHeaders: this.getHeliconeHeaders(agentRequest, customProperties) };
  }

  withLangchain(model, apiKey, agentRequest, customProperties) {
    const { baseURL, defaultHeaders } = this.withOpenAI(apiKey, agentRequest, customProperties);
    return { model, apiKey, configuration: { baseURL, defaultHeaders } };
  }

  calculateImageUsage(pixels) { return calculateImageUsage(pixels); }
  calculateVideoUsage() { return calculateVideoUsage(); }
  calculateSongUsage(tokens) { return calculateSongUsage(tokens); }
  calculateDummySongUsage() { return calculateDummySongUsage(); }
  createHeliconePayload(config) { return createHeliconePayload(config); }
  createHeliconeResponse(config) { return createHeliconeResponse(config); }
}
