// The methods of `payments.observability`: what books a call to a model on the agent's request at Helicone (contract section 4.10). The headers work
// with any client. Only `withHeliconeLogging` sends something itself.
import { RESOURCES, problem, wrong } from './core.js';
import * as pure from './observability.js';

/** Where Helicone is: one for all hosted environments, and on this machine with `custom`. */
const HOSTED = 'https://helicone.nevermined.dev';
const LOCAL = 'http://localhost:8585';
const GATEWAY = '/jawn/v1/gateway/oai/v1';
const MANUAL = '/jawn/v1/trace/custom/v1/log';
const TRACES = '/jawn/v1/trace/log';

/** How long a log may take, in milliseconds: the caller waits for it. */
const LOG_MS = 10_000;

/** A text that a header can have: names of plans are in any script, and one line break would make another header. */
const inHeader = (value) => String(value).replace(/\p{Cs}/gu, '').replace(/[^\x20-\x7e\xa0-\xff]/gu, encodeURIComponent);

const variable = (name) => globalThis.process?.env?.[name] || undefined;

function origin({ given, environment }) {
  const usual = environment === 'custom' ? variable('HELICONE_URL') ?? LOCAL : HOSTED;
  return (given.helicone ?? usual).replace(/\/+$/, '');
}

/** Helicone's key: that of a variable, as with the official SDK, or the one that the API key carries. */
const observer = ({ key }) => variable('HELICONE_API_KEY') ?? key?.observer;

function headers(session, agentRequest, customProperties = {}) {
  if (typeof agentRequest !== 'object' || !agentRequest) throw wrong('agentRequest', 'what verifyPermissions or startSimulationRequest gave');
  const { agentId, agentName, agentRequestId, batch, balance = {} } = agentRequest;
  const properties = {
    accountAddress: session.key?.account, consumerAddress: balance.holderAddress, agentId, planId: balance.planId, planType: balance.planType,
    planName: balance.planName, agentName, agentRequestId, pricePerCredit: balance.pricePerCredit, environmentName: session.environment,
    batch: batch ?? false, ismarginBased: false, marginPercent: 0, ...customProperties,
  };
  const named = Object.entries(properties)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [`Helicone-Property-${name}`, inHeader(value)]);
  const key = observer(session);
  return { ...(key && { 'Helicone-Auth': `Bearer ${key}` }), ...Object.fromEntries(named) };
}

const time = (at) => ({ seconds: Math.trunc(at / 1000), milliseconds: at % 1000 });

/** Sends a log. One that fails is told on the console: what was logged is the caller's all the same. */
async function log(session, agentRequest, customProperties, body) {
  const send = session.given.fetch ?? ((request) => fetch(request));
  const key = observer(session);
  const { 'Helicone-Auth': _, ...named } = headers(session, agentRequest, customProperties);
  try {
    const answer = await send(new Request(origin(session) + MANUAL, {
      method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(LOG_MS),
      headers: { ...named, ...(key && { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    }));
    if (!answer.ok) console.warn(`[payments.observability] Helicone answered the log with ${answer.status}`);
  } catch (error) {
    console.warn(`[payments.observability] the log did not reach Helicone: ${error.message}`);
  }
}

/** Packages that only `withAsyncLogger` needs: the caller installs them. */
const TRACELOOP = '@traceloop/node-server-sdk';
const OTEL = '@opentelemetry/api';
const EXPORTER = '@opentelemetry/exporter-trace-otlp-http';

/** A package of the program that runs, by its name: no bundler sees it. */
function packaged(name) {
  const module = globalThis.process?.getBuiltinModule?.('node:module');
  try {
    return module.createRequire(`${globalThis.process.cwd()}/package.json`)(name);
  } catch (cause) {
    throw problem('dependency_missing', `withAsyncLogger needs the package ${name}`, `install ${TRACELOOP} ${OTEL} ${EXPORTER}; they run in Node`, { cause });
  }
}

// The one member that is no method.
Object.defineProperty(RESOURCES.observability.prototype, 'heliconeBaseUrl', { get() { return origin(this.session) + GATEWAY; }, configurable: true });

/** Methods, called with the part as `this`. */
export const exposed = {
  getHeliconeHeaders(agentRequest, customProperties) { return headers(this.session, agentRequest, customProperties); },
  withOpenAI(apiKey, agentRequest, customProperties) {
    return { apiKey, baseURL: origin(this.session) + GATEWAY, defaultHeaders: headers(this.session, agentRequest, customProperties) };
  },
  withLangchain(model, apiKey, agentRequest, customProperties) {
    const { baseURL, defaultHeaders } = this.withOpenAI(apiKey, agentRequest, customProperties);
    return { model, apiKey, configuration: { baseURL, defaultHeaders } };
  },
  async withHeliconeLogging(agentName, payloadConfig, operation, resultExtractor, usageCalculator, responseIdPrefix, startAgentRequest, customProperties) {
    // An error in the properties is thrown before the work begins, because the work may cost something.
    headers(this.session, startAgentRequest, customProperties);
    const startTime = Date.now();
    const internal = await operation();
    const usage = usageCalculator(internal);
    const result = resultExtractor(internal);
    const response = pure.createHeliconeResponse({
      idPrefix: responseIdPrefix, model: payloadConfig.model, resultData: result, usage, systemFingerprint: result?.jobId ? `fp_${result.jobId}` : undefined,
    });
    await log(this.session, startAgentRequest, customProperties, {
      providerRequest: { url: 'custom-model-nopath', json: pure.createHeliconePayload(payloadConfig), meta: {} },
      providerResponse: { headers: {}, status: 200, json: response },
      timing: { startTime: time(startTime), endTime: time(Date.now()) },
    });
    return result;
  },
  withAsyncLogger(providers, startAgentRequest, customProperties) {
    const named = Object.entries(headers(this.session, startAgentRequest, customProperties)).filter(([name]) => name.startsWith('Helicone-Property-'));
    const { session } = this;
    return {
      init() {
        const [traceloop, { trace }, { OTLPTraceExporter }] = [TRACELOOP, OTEL, EXPORTER].map(packaged);
        const apiKey = observer(session);
        const url = origin(session) + TRACES;
        const exporter = new OTLPTraceExporter({ url, headers: apiKey ? { Authorization: `Bearer ${apiKey}` } : {} });
        traceloop.initialize({ apiKey, baseUrl: url, disableBatch: true, exporter, instrumentModules: { ...providers } });
        // Each span that begins from now on has the properties. The provider stands behind a stand-in of the API.
        const provider = trace.getTracerProvider();
        const processor = (provider._delegate ?? provider)._activeSpanProcessor;
        const begin = processor?.onStart?.bind(processor);
        if (!begin) return;
        processor.onStart = (span, context) => {
          begin(span, context);
          for (const [name, value] of named) span.setAttribute(`traceloop.association.properties.${name}`, value);
        };
      },
    };
  },
  calculateImageUsage: pure.calculateImageUsage,
  calculateVideoUsage: pure.calculateVideoUsage,
  calculateSongUsage: pure.calculateSongUsage,
  calculateDummySongUsage: pure.calculateDummySongUsage,
  createHeliconePayload: pure.createHeliconePayload,
  createHeliconeResponse: pure.createHeliconeResponse,
};
