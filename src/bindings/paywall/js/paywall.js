// `payments-wasm/paywall`: a gate around a fetch handler. What is decided is decided in the core; this says what the caller
// gave, and hands over what comes back. An entry makes it with `createPaywall`, so that each loads wasm in its own way.
import { PaywallError } from './error.js';
import { closeMemory, memory, objects } from './state_store.js';
import { ownAnswers, runFlow } from './request_flow.js';
import { Fields } from './fields.js';
import { IN_WORKERD } from '../../http/answer.js';
import { call, complain, learn } from './runtime.js';

/** Variables that a process has for all its programs are no options of ours, but these. */
const OF_THE_PROCESS = /^(NVM_|METRICS_TOKEN$)/;
/** All of a Worker's own variables are options, except those that name another origin than the handler. */
const NOT_OURS = /^(ORIGIN_URL|ORIGIN|BUCKET|ASSETS)$/;
const HOOKS = ['onBeforeVerify', 'onAfterVerify', 'onAfterSettle', 'onPaymentError', 'address', 'facilitatorHeaders'];
/** Options that a file of their own reads, which is loaded where one of them is given; variables may hold JSON as text. */
const DIALECTS = /"(mpp|x402v1|payment_?identifier|accepts)\\?":/i;
const BINDING = 'PAYWALL_STATE';

/** The gate that was made last: an object's alarm has no request, and settles with this one. */
let latest;

/** Makes the library of an entry: `load` gives the glue as soon as the wasm is there, `others` the file of other dialects, and `wasm` its module. */
export function createPaywall(load, others, wasm) {
  return (handler, given = {}) => {
    if (typeof handler !== 'function' && typeof handler !== 'string') {
      throw new PaywallError('handler must be a function, or the URL of an origin', { code: 'config_invalid', key: 'handler' });
    }
    const { state, ...seller } = sort(given);
    const { options } = seller;
    if (typeof handler === 'string') options.origin = handler;
    const opened = (env) => {
      const store = storeOf(state, env);
      const bindings = `${store === undefined ? '' : 's'}${typeof handler === 'function' ? 'h' : ''}`;
      return { store, binding: typeof state === 'string' && state !== 'memory' ? state : BINDING, texts: [json(options), json(variables(env))], bindings };
    };
    const { answer, ...gate } = createGate(load, { ...seller, opened, others, wasm });
    // A caller that brings a handler along has chosen it by the path as it came: that of `url`, where a `Request` has resolved it.
    const serve = (request, env, context, ask, url = request.url) => answer(request, env, context, ask, url);
    const own = typeof handler === 'function' ? handler : undefined;
    const fetch = (request, env, context) =>
      answer(request, env, context, own && ((forwarded, more) => own(forwarded, { ...more, env, ctx: context })));
    return Object.assign(fetch, { serve, ...gate });
  };
}

/**
 * A gate that is made with its first request. `opened(env)` gives the store, the name of its binding, options and variables as JSON, and the
 * letters of the bindings; `others` gives the file of other dialects, and `wasm` its module; `objects(env)` performs requests to buckets and files; `deployed` is set for the Worker that is configured by
 * its variables alone.
 */
export function createGate(load, { hooks, prices, config, files, opened, others, wasm, objects: objectsOf, deployed = false }) {
  /** The gate. An environment does not change under it. A wrong configuration stays wrong. */
  let made;
  let broken;
  const hooked = prices.size > 0 || HOOKS.some((name) => name.startsWith('on') && hooks[name]);

  /** The configuration of now, and the dialects in it: they take their options out of it. */
  const speak = async (env, document) => {
    const { texts, store, ...rest } = opened(env);
    const [, name] = DIALECTS.exec([...texts, document].join()) ?? [];
    if (!name) return { texts, store, document, ...rest };
    if (!others) throw refusal(name, 'needs main = "dialects.js"');
    const dialects = await (await others()).speak(...texts, document, Fields, call, ownAnswers, refusal, hooks, wasm);
    dialects.check(store);
    return { texts: dialects.left, document: dialects.left[2], store, dialects, ...rest };
  };
  const open = (core, { store, binding, bindings, texts: [options, variables], document, dialects }) => {
    let gate;
    try {
      gate = new core.Gate(options, variables, bindings, document, Date.now());
    } catch (error) {
      throw typeof error === 'string' ? wrong(error) : error;
    }
    const around = { core, gate, store, binding, dialects, limits: limitsOf(gate) };
    for (const warning of around.limits.warnings) console.warn(warning);
    if (store === 'memory') {
      console.warn('The state is kept in this process, and ends with it.');
    }
    return around;
  };
  const ready = async (env) => {
    if (broken) throw broken;
    if (made) return made;
    const core = await load();
    const { live, read } = documentOf(config, env, deployed);
    // Each request reads it for itself: in a Worker a call that one request began ends with it.
    const document = await read();
    try {
      const spoken = await speak(env, document);
      // Another request may have been quicker.
      return (made ??= { ...open(core, spoken), text: document });
    } catch (error) {
      // A document that may change may be put right.
      if (error?.answer && !live) broken = error;
      throw error;
    }
  };
  /** Reads the document again after its time, while nobody waits. A document that cannot be read changes nothing. */
  const refresh = async (around, env) => {
    const { live, read } = documentOf(config, env, deployed);
    if (!live || !around.gate.isStale(Date.now())) return;
    // An error of it was logged by then.
    const text = await read().catch(() => around.text);
    if (text === around.text) return;
    around.text = text;
    try {
      const { document, dialects } = await speak(env, text);
      const line = around.gate.take(document);
      if (line) console.warn(line);
      if (line?.includes('"config_refused"')) return;
      around.dialects = dialects;
      around.limits = limitsOf(around.gate);
    } catch (error) {
      console.error(`config_invalid: ${error.key} ${error.problem}`);
    }
  };
  const storeFor = ({ store, binding, limits }, env) => objects(store === 'bound' ? env?.[binding] : store, limits);

  const answer = async (request, env, context, ask, routed) => {
    let around = made;
    try {
      around ??= await ready(env);
    } catch (error) {
      if (!error?.answer) throw error;
      console.error(`config_invalid: ${error.key} ${error.problem}`);
      const { status, headers, body } = error.answer;
      return new Response(body, { status, headers });
    }
    const behind = later(context);
    const { gate, store, limits, dialects } = around;
    const way = {
      gate, request, routed, ask, hooks, hooked, files, prices, limits, behind, deployed,
      store: store === 'memory' ? memory(around) : storeFor(around, env),
      analytics: env?.ANALYTICS, address: address(request, env, hooks), objects: objectsOf?.(env),
      patient: globalThis.Bun && (() => patient(request, env)),
    };
    const answered = dialects ? dialects.answer(way, runFlow) : runFlow(way);
    // The request itself asks the runtime to wait for its own work; work around it is waited for here.
    if (dialects) behind(answered);
    try {
      return await answered;
    } catch (error) {
      console.error('paywall:', error?.message ?? error);
      // A trap leaves the WebAssembly in an unknown state: the next request starts with a new one.
      if (error instanceof WebAssembly.RuntimeError) {
        if (made === around) made = undefined;
        around.core.__wbg_reset_state?.();
      }
      throw error;
    } finally {
      if (made === around) {
        learn(gate, limits, behind);
        if (config !== undefined || env?.CONFIG) behind(refresh(around, env));
      }
    }
  };
  latest = { ready, refresh, storeFor };
  return {
    answer,
    async ready(env) {
      try {
        await ready(env);
      } catch (error) {
        if (!error?.answer) throw error;
        throw new PaywallError(`${error.key} ${error.problem}`, { code: 'config_invalid', key: error.key });
      }
    },
    async close() {
      if (made?.store === 'memory') closeMemory(made.gate);
    },
  };
}

/** The time limits, in milliseconds, the limit of a body, in bytes, and the warnings of a gate. */
function limitsOf(gate) {
  const fields = new Fields(gate.settings());
  const [timeout, originTimeout, maxBody] = [fields.number(), fields.number(), fields.number()];
  const warnings = fields.rest();
  return { timeout, originTimeout, maxBody, warnings: warnings ? warnings.split('\n') : [] };
}

/** An error of the configuration, as the core gives it. */
function wrong(text) {
  const fields = new Fields(text);
  const [key, problem] = [fields.next(), fields.next()];
  return { key, problem, answer: { status: fields.number(), headers: fields.pairs(), body: fields.rest() } };
}

/** Bun ends a connection that has been silent for ten seconds, where its server is not told otherwise: a service may think for longer. */
function patient(request, server) {
  if (typeof server?.timeout === 'function') server.timeout(request, 0);
}

/** The gate that an object of the state settles with: that of the paywall in its Worker, with the object's environment. */
export async function reconciler(env) {
  if (!latest) throw new PaywallError('paywall() has to be called where this Worker starts', { code: 'config_invalid', key: 'paywall' });
  const { ready, refresh, storeFor } = latest;
  const around = await ready(env);
  return { around, ask: storeFor(around, env)?.ask, refresh: () => refresh(around, env) };
}

/** The key of the document in a KV namespace. */
const DOCUMENT = 'paywall';

/** The configuration as one document: as it is given, what a function gives, or what stands in KV. These may change. */
function documentOf(config, env, deployed) {
  const from = config ?? (typeof env === 'object' ? env?.CONFIG : undefined);
  const inKv = typeof from?.get === 'function';
  const asked = inKv ? () => from.get(DOCUMENT) : from;
  return {
    live: typeof asked === 'function',
    async read() {
      try {
        const found = typeof asked === 'function' ? await asked(env) : asked;
        return typeof found === 'string' ? found : JSON.stringify(found ?? undefined);
      } catch (error) {
        console.error('config:', error?.message ?? error);
        throw refusal(deployed ? 'CONFIG' : 'config', 'cannot be read at the moment');
      }
    },
  };
}

/** Functions are taken out of the options; what is left the core reads. */
function sort(given) {
  const { state, routes, pageScripts, config, ...rest } = given;
  if (pageScripts) rest.pageFiles = pageScripts.PAGE_FILES;
  const hooks = {};
  for (const name of HOOKS) {
    if (rest[name] !== undefined && typeof rest[name] !== 'function') {
      throw new PaywallError(`${name} must be a function`, { code: 'config_invalid', key: name });
    }
    hooks[name] = rest[name];
    delete rest[name];
  }
  const prices = new Map();
  if (routes !== null && typeof routes === 'object' && !Array.isArray(routes)) {
    rest.routes = {};
    for (const [key, route] of Object.entries(routes)) rest.routes[key] = priced(key, route, prices);
  } else if (routes !== undefined) {
    rest.routes = routes;
  }
  return { hooks, prices, state, config, options: plain(rest), files: pageScripts?.PAGE_CONTENT };
}

/** Returns what can be told to the core. A function that is left is an unknown option, so it is refused; a `bigint` becomes a decimal text. */
function plain(value, at = '') {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new PaywallError(`${at} cannot be a ${typeof value}`, { code: 'config_invalid', key: at });
  }
  if (Array.isArray(value)) return value.map((one, index) => plain(one, `${at}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  const name = (key) => (at === '' ? key : /^\w+$/.test(key) ? `${at}.${key}` : `${at}[${JSON.stringify(key)}]`);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, name(key))]));
}

/** An option that is there and undefined is known by its name all the same. */
const json = (options) => JSON.stringify(options, (_, value) => value?.toWellFormed?.() ?? value ?? null);

/** A route whose price is a function: `credits: fn`, or `credits: { by: fn, most }`. */
function priced(key, route, prices) {
  const by = typeof route?.credits === 'function' ? route.credits : route?.credits?.by;
  if (typeof by !== 'function') return route;
  prices.set(key, by);
  // Known before it is verified, so any price is one that can be paid.
  const most = route.credits === by ? Number.MAX_SAFE_INTEGER : route.credits.most;
  return { ...route, credits: { ...(route.credits === by ? {} : route.credits), by: 'handler', most } };
}

function variables(env) {
  const found = {};
  const take = (from, ours) => {
    for (const [name, value] of Object.entries(from ?? {})) {
      if (/^[A-Z][A-Z0-9_]*$/.test(name) && ours(name) && isPlain(value)) found[name] = value;
    }
  };
  take(globalThis.process?.env, (name) => OF_THE_PROCESS.test(name));
  // The object that a server such as Deno's or Bun's passes beside a request is no environment: it has no such names.
  take(typeof env === 'object' ? env : undefined, (name) => !NOT_OURS.test(name));
  return found;
}

/** A text, or JSON all the way down; a binding is neither. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return ['string', 'number', 'boolean'].includes(typeof value);
  if (Array.isArray(value)) return value.every(isPlain);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every((one) => one === null || isPlain(one));
}

/** Where the state is: a namespace, 'bound' for the environment's, 'memory', or nothing. */
function storeOf(state, env) {
  const isNamespace = (value) => typeof value?.idFromName === 'function';
  if (state === false) return undefined;
  if (state === 'memory') {
    if (IN_WORKERD) {
      throw refusal('state', 'cannot be memory in a Worker: bind a Durable Object');
    }
    return 'memory';
  }
  if (isNamespace(state)) return state;
  if (state === undefined) return isNamespace(env?.[BINDING]) ? 'bound' : undefined;
  if (typeof state === 'string' && isNamespace(env?.[state])) return 'bound';
  throw refusal('state', 'must be memory, a Durable Object namespace, its binding, or false');
}

function refusal(key, problem) {
  return {
    key, problem,
    answer: { status: 500, ...complain(500, 'config_invalid', `The paywall's configuration is wrong: ${key} ${problem}.`, { key }) },
  };
}

/** How to leave work behind an answer: the runtime's way, where it has one. */
function later(context) {
  return (work) => {
    const quiet = Promise.resolve(work).catch((error) => console.error('paywall:', error?.message ?? error));
    context?.waitUntil?.(quiet);
  };
}

/**
 * The client's address: as the caller says it, or as the runtime does. A header is believed of Cloudflare alone, which puts
 * `cf` on its requests: a workerd of one's own is sent the header by anybody.
 */
function address(request, env, hooks) {
  if (hooks.address) return hooks.address(request, env);
  if (IN_WORKERD) {
    // The header is looked at first: `cf` is read from a document.
    const said = request.headers.get('cf-connecting-ip');
    return said !== null && request.cf ? said : undefined;
  }
  // Deno's second argument and our listener's, Hono's on Node, Bun's server.
  return env?.remoteAddr?.hostname ?? env?.incoming?.socket?.remoteAddress
    ?? (typeof env?.requestIP === 'function' ? env.requestIP(request)?.address : undefined);
}
