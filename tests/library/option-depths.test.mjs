// Routes, passes, revoked passes and the page at every depth that src/options.json describes: a misspelt name and a value of another type are
// refused, by the path of the member, wherever they are given.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';
import * as pageScripts from '../../target/dist/subscriber/paywall.page.js';
import { PLAN } from '../workerd/harness.mjs';
import { captureLog, gated } from './harness.mjs';

const { gate: { shapes, options } } = JSON.parse(readFileSync(repoPath('src/options.json'), 'utf8'));
const ROUTE = 'POST /ask';
const route = (more) => ({ routes: { [ROUTE]: { planId: PLAN, credits: 2, ...more } } });
const plans = (credits) => ({ routes: { [ROUTE]: { plans: [{ planId: PLAN, credits }] } } });
const paid = `routes["${ROUTE}"]`;

/** All options that have a schema, as one shape. */
const whole = (nameOf) => ({
  put: (more) => ({ pageScripts, ...route({}), ...more }), path: '', right: {},
  shape: { properties: Object.fromEntries(Object.entries(options).filter((one) => one[1].schema && nameOf(one)).map((one) => [nameOf(one), { ...one[1].schema, ts: one[1].ts }])) },
});

/** Each shape where it can stand: how a value is put there, its path, the shape, and members that are right. */
const places = {
  'a route': { put: route, path: paid, shape: shapes.route, right: {} },
  'a plan of a route': { put: (more) => ({ routes: { [ROUTE]: { plans: [{ planId: PLAN, credits: 2, ...more }] } } }), path: `${paid}.plans[0]`, shape: shapes.plan, right: {} },
  'limit': { put: (limit) => route({ limit }), path: `${paid}.limit`, shape: shapes.limit, right: { requests: 1, seconds: 1, by: 'payer' } },
  'free': { put: (free) => route({ free }), path: `${paid}.free`, shape: shapes.free, right: { perDay: 1, by: 'payer' } },
  ...Object.fromEntries(shapes.price.oneOf.flatMap((shape) => {
    const by = shape.properties.by.const;
    const right = { by, most: 9, ...(shape.properties.name && { name: 'n' }), ...(shape.properties.each && { each: 1 }), ...(shape.properties.member && { member: 'usage.total' }) };
    const counted = ['byte', 'event', 'token'].includes(by) ? { settle: 'at-end-of-stream' } : {};
    const of = (credits) => ({ routes: { [ROUTE]: { ...counted, plans: [{ planId: PLAN, credits }] } } });
    return [[`a price by ${by}`, { put: (credits) => route({ credits, ...counted }), path: `${paid}.credits`, shape, right }], [`a price of a plan, by ${by}`, { put: of, path: `${paid}.plans[0].credits`, shape, right }]];
  })),
  'a set of passes': { put: (day) => ({ ...route({}), passes: { day }, passKeys: 'k1:0123456789abcdef0123456789abcdef' }), path: 'passes["day"]', shape: shapes.passSet, right: { routes: [ROUTE], seconds: 60 } },
  'revoked passes': { put: (revokedPasses) => ({ revokedPasses }), path: 'revokedPasses', shape: shapes.revoked, right: {} },
  'the options': { ...whole(([name]) => name), only: 'option' },
  'the document': { ...whole(([name, { member = name }]) => member), only: 'document' },
  'the page': { put: (page) => ({ pageScripts, page }), path: 'page', shape: shapes.page, right: {} },
};

/** Values of other types than the schema's, and none that stands for the default. */
function others(schema) {
  const { $ref, type, enum: words, const: only, ts = '' } = schema;
  const anyOf = schema.anyOf ?? schema.oneOf;
  if ($ref) return others(shapes[$ref.split('/').at(-1)]);
  const types = new Set([type, ...(words ?? [only]).filter((word) => word !== undefined).map((word) => typeof word), ...(anyOf ?? []).map((one) => (one.enum ? 'string' : one.type ?? 'object')), ts === 'boolean' ? 'boolean' : []].flat());
  const all = { boolean: [true, false], string: ['xyzzy'], integer: [7.5, -1, 2 ** 53], array: [['xyzzy'], [7], []], object: [{ xyzzy: 1 }, {}] };
  return Object.entries(all).flatMap(([name, values]) => (types.has(name) || (name === 'integer' && types.has('number')) ? [] : values));
}

const refusal = async (options) => {
  let error;
  await captureLog(async () => { error = await Promise.resolve().then(() => gated({ state: 'memory', ...options }).gate.ready()).then(() => undefined, (caught) => caught); });
  return error;
};

/** The ways that it can be given, each with what begins the path. */
const WAYS = {
  option: (given) => given,
  document: ({ pageScripts, passKeys, ...members }) => ({ routes: undefined, unlisted: undefined, openRoutes: undefined, ...(pageScripts && { pageScripts }), ...(passKeys && { passKeys }), config: { ...route({}), unlisted: 'deny', ...members } }),
};

for (const [place, { put, path, shape, right, only }] of Object.entries(places)) {
  const at = (name) => (path ? `${path}.${name}` : name);
  for (const [way, given] of Object.entries(WAYS).filter(([way]) => !only || way === only)) {
    test(`${place}, as ${way}: what is right is taken`, async () => assert.equal((await refusal(given(put(right))))?.message, undefined));
    test(`${place}, as ${way}: each name with a letter too many, too few, exchanged, or in other letters is refused with the one that was meant`, async () => {
      for (const name of Object.keys(shape.properties)) {
        for (const wrong of [`${name}s`, name.slice(0, -1), name.length > 3 && name.replace(/(.)(.)$/, '$2$1'), name.toUpperCase(), name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]) {
          if (!wrong || wrong.length < 2 || Object.hasOwn(shape.properties, wrong)) continue;
          const error = await refusal(given(put({ ...right, [wrong]: right[name] ?? 1 })));
          assert.deepEqual([error?.code, error?.key], ['config_invalid', at(wrong)], `${wrong}: ${error?.message}`);
          assert.match(error.message, /; did you mean \w+\?$/, error.message);
        }
      }
    });
    test(`${place}, as ${way}: a value of another type is refused by its path`, async () => {
      for (const [name, schema] of Object.entries(shape.properties)) {
        for (const wrong of others(schema)) {
          const error = await refusal(given(put({ ...right, [name]: wrong })));
          assert.equal(error?.code, 'config_invalid', `${at(name)}: ${JSON.stringify(wrong)} is taken`);
          assert.ok(error.key.startsWith(at(name)), `${at(name)}: ${JSON.stringify(wrong)}: ${error.message}`);
        }
      }
    });
  }
}
