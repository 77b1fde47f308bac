// Where the platform is, by environment, and the fixed headers of its API (contract sections 1.1, 2.2).
import { readKey } from './core.js';

const variable = (name, usual) => globalThis.process?.env?.[name] || usual;
const hosted = (top, environment) => Object.freeze({
  frontend: `https://nevermined.${top}`, embed: `https://embed.nevermined.${top}`, backend: `https://api.${environment}.nevermined.${top}`,
  proxy: `https://proxy.${environment}.nevermined.${top}`, heliconeUrl: 'https://helicone.nevermined.dev',
});

/** The addresses of each environment. Those of `custom` are read from the variables each time. */
export const Environments = Object.freeze({
  sandbox: hosted('app', 'sandbox'),
  live: hosted('app', 'live'),
  staging_sandbox: hosted('dev', 'sandbox'),
  staging_live: hosted('dev', 'live'),
  get custom() {
    return {
      frontend: variable('NVM_FRONTEND_URL', 'http://localhost:4200'), embed: variable('NVM_EMBED_URL', 'http://localhost:4250'),
      backend: variable('NVM_BACKEND_URL', 'http://localhost:3001'), proxy: variable('NVM_PROXY_URL', 'https://localhost:443'),
      heliconeUrl: variable('HELICONE_URL', 'http://localhost:8585'),
    };
  },
});

/** The environment that the prefix of a key names; `custom` for any other. */
export function getEnvironmentFromApiKey(nvmApiKey) {
  try {
    return readKey(nvmApiKey).environment ?? 'custom';
  } catch {
    return 'custom';
  }
}

export const API_VERSION_HEADER = 'Nevermined-Version';
/** The version of the API that this package speaks. */
export const LOCKED_API_VERSION = '1.1';
/** The header that names the organization in whose name a call is made. */
export const CURRENT_ORG_ID_HEADER = 'X-Current-Org-Id';

/** A random number of so many bits, rounded up to whole bytes. */
export function getRandomBigInt(bits = 128) {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8)));
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

export const isEthereumAddress = (address) => typeof address === 'string' && /^0x[a-fA-F0-9]{40}$/.test(address);
