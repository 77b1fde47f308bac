// Logs in: the browser sends the key to a port on this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Payments } from '../node.js';
import { configPath, forgetProfile, keepProfile } from './profile.js';
import { UsageError } from './usage-error.js';

/** How long a person may take. */
const MOST_MS = 5 * 60_000;
const OPENERS = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };

export async function login({ environment, backend, profile, 'no-browser': noBrowser, json }) {
  const place = { environment: environment ?? (backend ? 'custom' : process.env.NVM_ENVIRONMENT || 'sandbox'), ...(backend && { backend }) };
  if (backend && place.environment !== 'custom') throw new UsageError('--backend is for --environment custom');
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { url, state } = await Payments.loginUrl({ callbackUrl: `http://127.0.0.1:${server.address().port}/callback`, ...place });
    console.error(`Log in here: ${url}`);
    if (!noBrowser && process.stderr.isTTY) openBrowser(url);
    const nvmApiKey = await comingKey(server, state);
    const payments = Payments.getInstance({ nvmApiKey, ...place });
    const [accountAddress, { environmentName }] = [payments.getAccountAddress(), payments];
    const name = keepProfile(profile, { nvmApiKey, environment: environmentName, ...(environmentName === 'custom' && { backend }) });
    console.log(json ? JSON.stringify({ profile: name, environment: environmentName, accountAddress }) : `Logged in as ${accountAddress} (${environmentName}); kept in ${configPath()} as ${name}.`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function openBrowser(url) {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  // Where there is none, the address has been printed.
  spawn(program, [...args, url], { stdio: 'ignore', detached: true }).on('error', () => {}).unref();
}

/** The key of the first callback with the state of this login. */
function comingKey(server, state) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new UsageError('nobody has logged in for five minutes')), MOST_MS);
    server.on('request', async (request, response) => {
      const key = request.url.startsWith('/callback') ? await Payments.readCallback(request.url, state).catch(() => undefined) : undefined;
      response.writeHead(key ? 200 : 400, { 'content-type': 'text/plain; charset=utf-8', connection: 'close', 'referrer-policy': 'no-referrer' })
        .end(key ? 'You are logged in, and may close this page.' : 'This is no answer to the login that was begun.');
      if (!key) return;
      clearTimeout(timer);
      resolve(key);
    });
  });
}

export function logout({ profile }) {
  const name = forgetProfile(profile);
  console.log(name ? `The key of ${name} is no longer kept.` : 'Nobody was logged in.');
}
