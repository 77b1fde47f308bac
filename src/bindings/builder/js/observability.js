// The usage, the payload and the response of a call to a model, in the form in which Helicone books them (contract section 4.10). Pure.

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
