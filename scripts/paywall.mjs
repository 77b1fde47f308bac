// npm run paywall -- --port P --origin URL --routes FILE --api URL --key KEY: a paywall in front of any HTTP service.
import { readText } from '../src/cli/text.js';
import { build } from './lib/build.mjs';
import { UserError, main, options } from './lib/cli.mjs';
import { startPaywall } from './lib/start.mjs';
import { out, table } from './lib/terminal.mjs';

const USAGE = `npm run paywall -- --port P --origin URL --routes FILE --api URL --key KEY [...]

  --port P             the port on 127.0.0.1; 0 takes a free one
  --origin URL         the service behind the paywall
  --routes FILE        JSON: { "POST /ask": { "planId": "...", "credits": 2, "agentId": "..." }, ... }, or
                       { "routes": {...}, "open": ["GET /health"], "unlisted": "deny", "allowedOrigins": [],
                         "vars": { "ORIGIN_TIMEOUT_MS": 5000 } }, vars being any other variable of the Worker's
  --unlisted WHAT      what happens to a route that is not listed, where the file does not say it: deny (this command's
                       choice, if you make none) or pass
  --api URL            the Nevermined API that verifies and settles, for example a sandbox's
  --key KEY            the seller's API key; the variable NVM_API_KEY keeps it out of the process list
  --allow-origin URL   a page's origin that may call from a browser; may be repeated, * means any
  --data DIR           keep the paywall's state in this folder; else it is forgotten when it ends
  --no-state           without its Durable Object: what it cannot promise then is said
  --environment NAME   custom (the default), sandbox, live, staging_sandbox or staging_live
  --verbose            show what the Worker prints`;

main(async () => {
  const { port, origin, routes, api, key = process.env.NVM_API_KEY, environment, unlisted, verbose, data, ...rest } = options(USAGE, {
    port: { required: true, port: true },
    origin: { required: true, url: true },
    routes: { required: true },
    api: { required: true, url: true },
    key: { required: !process.env.NVM_API_KEY },
    unlisted: {},
    'allow-origin': { multiple: true },
    environment: {},
    data: {},
    'no-state': { type: 'boolean' },
    verbose: { type: 'boolean' },
  });
  const config = read(routes);
  config.unlisted = unlisted ?? config.unlisted ?? 'deny';
  const allowed = rest['allow-origin'];
  if (allowed) config.allowedOrigins = [...new Set([...(config.allowedOrigins ?? []), ...allowed])];
  await build(['worker']);
  const warned = [];
  const log = (text) => {
    if (verbose) return process.stderr.write(text);
    if (/Without a state/.test(text)) warned.push(text.trim());
  };
  const { url } = await startPaywall({ port, origin, api, key, routes: config, vars: config.vars, environment, log, data, state: !rest['no-state'] });
  await checkConfiguration(url);
  const priced = Object.entries(config.routes).map(([route, { credits, planId }]) =>
    [`    ${route}`, price(credits), out.dim(planId === undefined ? '' : `plan ${planId}`)]);
  const open = (config.open ?? []).map((route) => [`    ${route}`, 'open', '']);
  open.push(['    all else', config.unlisted === 'pass' ? 'open' : 'denied', '']);
  for (const warning of warned) console.log(out.dim(warning));
  console.log(`
  ${out.bold('paywall')}   ${out.cyan(url)}  ${out.dim(`-> ${origin}`)}

${table([...priced, ...open], 'lll')}

  ${out.dim('Ctrl-C ends it.')}`);
});

/** A price in words. */
function price(credits) {
  if (typeof credits !== 'object' || credits === null) return credits === undefined ? '' : `${credits} credits`;
  return `up to ${credits.most} credits`;
}

/** Where the paywall refuses its configuration it says so to every request: here it is said before there is one. */
async function checkConfiguration(url) {
  // A preflight is never forwarded to the origin.
  const headers = { origin: 'http://localhost', 'access-control-request-method': 'GET' };
  const response = await fetch(url, { method: 'OPTIONS', headers });
  const { code, message, key = '' } = response.ok ? {} : await response.json().catch(() => ({}));
  if (code !== 'config_invalid') return;
  const flags = { NVM_API_KEY: '--key', NVM_API_URL: '--api', ORIGIN_URL: '--origin', ROUTES: '--routes', OPEN_ROUTES: '--routes',
    UNLISTED: '--unlisted', ALLOWED_ORIGINS: '--allow-origin', NVM_ENVIRONMENT: '--environment' };
  const flag = flags[/^\w+/.exec(key)?.[0]];
  throw new UserError(`${message}${flag ? ` See ${flag}.` : ''}`, undefined, USAGE);
}

/** The routes file, in either of its two forms. */
function read(path) {
  let value;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    throw new UserError(`--routes: ${path} cannot be read: ${error.message}`, undefined, USAGE);
  }
  const isObject = (one) => typeof one === 'object' && one !== null && !Array.isArray(one);
  if (!isObject(value)) throw new UserError(`--routes: ${path} is no JSON object`, undefined, USAGE);
  const config = isObject(value.routes) ? value : { routes: value };
  if (!Object.values(config.routes).every(isObject)) throw new UserError(`--routes: ${path} has a route that is no object`, undefined, USAGE);
  return config;
}
