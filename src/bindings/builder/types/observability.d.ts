/** Usage of a model call. */
export interface HeliconeUsage {
  /** Tokens in. */
  prompt_tokens: number;
  /** Tokens out, or what stands for them. */
  completion_tokens: number;
  /** Both. */
  total_tokens: number;
  /** Details of the input tokens. */
  prompt_tokens_details?: { cached_tokens: number; audio_tokens: number };
  /** Details of the output tokens. */
  completion_tokens_details?: { reasoning_tokens: number; audio_tokens: number; accepted_prediction_tokens: number; rejected_prediction_tokens: number };
}

/** Description of a model call, for Helicone. */
export interface HeliconePayloadConfig {
  /** Its name. */
  model: string;
  /** Input: JSON. */
  inputData: unknown;
  /** Default 1. */
  temperature?: number;
  /** Default 1. */
  top_p?: number;
  /** Default 0. */
  frequency_penalty?: number;
  /** Default 0. */
  presence_penalty?: number;
  /** Default 1. */
  n?: number;
  /** Default false. */
  stream?: boolean;
}

/** Response of a model call, for Helicone. */
export interface HeliconeResponseConfig {
  /** Before the time, in the id. */
  idPrefix: string;
  /** Its name. */
  model: string;
  /** Output: JSON. */
  resultData: unknown;
  /** Usage of the call. */
  usage: HeliconeUsage;
  /** Default: made of the time. */
  systemFingerprint?: string;
}

/** Options for making an OpenAI client. */
export interface OpenAIConfiguration {
  /** The caller's own. */
  apiKey: string;
  /** Helicone's gateway. */
  baseURL: string;
  /** Headers that book the call on the agent's request. Helicone's key is among them. */
  defaultHeaders: Record<string, string>;
}

/** Options for making a `ChatOpenAI` of LangChain. */
export interface ChatOpenAIConfiguration {
  /** Name of the model. */
  model: string;
  /** The caller's own. */
  apiKey: string;
  /** Where, and with what. */
  configuration: { baseURL: string; defaultHeaders: Record<string, string> };
}
