// Tests what `payments.observability` sends to Helicone: the log of an operation, and traces.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Payments } from '../../target/dist/subscriber/node.js';
import { startSeller } from './harness.mjs';

const ME = `0x${'1'.repeat(40)}`;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const KEY = `local:${part({ alg: 'none' })}.${part({ sub: ME, o11y: 'sk-helicone-x' })}.c2ln`;
const request = {
  agentRequestId: 'r-1', agentName: 'Oracle', agentId: '2', urlMatching: '/ask', verbMatching: 'POST', batch: false,
  balance: { planId: '1', planName: 'Hundred', planType: 'credits', holderAddress: ME, balance: '100', creditsContract: ME, isSubscriber: true, pricePerCredit: 0.05 },
};
const observed = (helicone, options = {}) => Payments.getInstance({ nvmApiKey: KEY, environment: 'custom', backend: 'http://127.0.0.1:9', helicone, ...options }).observability;
/** The log of an image that was made. */
const logged = (observability, operation = async () => ({ pixels: 12, url: 'https://a.example/1.png' }), more = {}) => observability.withHeliconeLogging(
  'Painter', { model: 'paint-1', inputData: { prompt: 'a cat' } }, operation,
  ({ url }) => ({ url, ...more }), ({ pixels }) => observability.calculateImageUsage(pixels), 'img', request, { session: 's-1' },
);

test('withHeliconeLogging gives the extracted result and logs payload, result, usage and properties', async () => {
  const helicone = await startSeller((_, response) => response.end());
  assert.deepEqual(await logged(observed(helicone.url)), { url: 'https://a.example/1.png' });
  const [{ method, url, headers, body }] = helicone.requests;
  assert.deepEqual([method, url, headers.authorization, headers['content-type']], ['POST', '/jawn/v1/trace/custom/v1/log', 'Bearer sk-helicone-x', 'application/json']);
  assert.deepEqual([headers['helicone-property-agentid'], headers['helicone-property-session'], headers['helicone-auth']], ['2', 's-1', undefined]);
  const { providerRequest, providerResponse, timing } = JSON.parse(body);
  assert.equal(providerRequest.url, 'custom-model-nopath');
  assert.deepEqual([providerRequest.json.model, JSON.parse(providerRequest.json.messages[0].content)], ['paint-1', { prompt: 'a cat' }]);
  assert.equal(providerResponse.status, 200);
  assert.deepEqual(JSON.parse(providerResponse.json.choices[0].message.content), { url: 'https://a.example/1.png' });
  assert.deepEqual([providerResponse.json.usage.completion_tokens, providerResponse.json.id.startsWith('img-')], [12, true]);
  assert.ok(timing.endTime.seconds * 1000 + timing.endTime.milliseconds >= timing.startTime.seconds * 1000 + timing.startTime.milliseconds);
  await logged(observed(helicone.url), undefined, { jobId: 'j-1' });
  assert.equal(JSON.parse(helicone.requests[1].body).providerResponse.json.system_fingerprint, 'fp_j-1');
  await helicone.stop();
});

test('an operation that fails is not logged, and a log that fails loses no result', async (t) => {
  const warned = t.mock.method(console, 'warn', () => {});
  const helicone = await startSeller((_, response) => response.writeHead(503).end());
  await assert.rejects(logged(observed(helicone.url), () => Promise.reject(new Error('no paint'))), /no paint/);
  assert.equal(helicone.requests.length, 0);
  assert.deepEqual(await logged(observed(helicone.url)), { url: 'https://a.example/1.png' });
  await helicone.stop();
  assert.deepEqual(await logged(observed(helicone.url)), { url: 'https://a.example/1.png' });
  assert.equal(warned.mock.callCount(), 2);
  assert.ok(warned.mock.calls.every(({ arguments: [text] }) => !text.includes('sk-helicone')));
  await assert.rejects(observed(helicone.url).withHeliconeLogging('a', {}, () => assert.fail('it runs'), undefined, undefined, 'x', undefined), { code: 'validation', message: /agentRequest/ });
});

test('withAsyncLogger traces the given modules with the properties of the request, once it is begun', async (t) => {
  const logger = observed('http://127.0.0.1:1005').withAsyncLogger({ openAI: 'the module' }, request, { session: 's-1' });
  const was = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'traced-'));
  t.after(() => {
    process.chdir(was);
    rmSync(folder, { recursive: true });
  });
  process.chdir(folder);
  assert.throws(() => logger.init(), { code: 'dependency_missing', message: /@traceloop\/node-server-sdk/, hint: /install/ });
  // These modules stand in for the three packages. They have only the parts that `withAsyncLogger` uses.
  const modules = {
    '@traceloop/node-server-sdk': 'exports.initialize = (options) => { globalThis.traced = options; };',
    '@opentelemetry/api': 'const processor = { onStart(span) { span.begun = true; } }; exports.trace = { getTracerProvider: () => ({ _delegate: { _activeSpanProcessor: processor } }) }; globalThis.processor = processor;',
    '@opentelemetry/exporter-trace-otlp-http': 'exports.OTLPTraceExporter = class { constructor(options) { this.options = options; } };',
  };
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'node_modules', name, 'index.js'), text);
  }
  logger.init();
  const { traced, processor } = globalThis;
  assert.deepEqual([traced.instrumentModules, traced.disableBatch], [{ openAI: 'the module' }, true]);
  assert.deepEqual(traced.exporter.options, { url: 'http://127.0.0.1:1005/jawn/v1/trace/log', headers: { Authorization: 'Bearer sk-helicone-x' } });
  const attributes = {};
  const span = { setAttribute(name, value) { attributes[name] = value; } };
  processor.onStart(span);
  assert.equal(span.begun, true);
  assert.equal(attributes['traceloop.association.properties.Helicone-Property-agentId'], '2');
  assert.equal(attributes['traceloop.association.properties.Helicone-Property-session'], 's-1');
  assert.ok(!JSON.stringify(attributes).includes('sk-helicone'));
});
