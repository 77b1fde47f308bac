// The accounts of the command line: `~/.config/nvm/config.json`, the file of the official one.
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from './usage-error.js';

/** Where the profiles are kept; `NVM_CONFIG` names another file. */
export const configPath = () => process.env.NVM_CONFIG || join(homedir(), '.config', 'nvm', 'config.json');

/** The file, or an empty one. */
function readConfig() {
  let text;
  try {
    text = readFileSync(configPath(), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return { profiles: {} };
    throw new UsageError(`${configPath()} cannot be read: ${error.message}`);
  }
  let config;
  try {
    config = JSON.parse(text);
  } catch {
    // The parser would quote the keys that are in it.
  }
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(config) || !isObject(config.profiles ?? {})) throw new UsageError(`${configPath()} is no configuration: correct it or remove it, and log in again`);
  return { ...config, profiles: config.profiles ?? {} };
}

/** Keys are secrets: for this user alone, and never half written. */
function writeConfig(config) {
  const path = configPath();
  const next = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(next, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, path);
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${error.message}`);
  }
}

const nameOf = (config, name) => name ?? config.activeProfile ?? 'default';
const own = (profiles, name) => (Object.hasOwn(profiles, name) ? profiles[name] : undefined);

/** Keeps an account, and makes its profile the active one if there is none. */
export function keepProfile(name, account) {
  const config = readConfig();
  const profile = nameOf(config, name);
  if (profile === '__proto__') throw new UsageError('--profile: this is no name');
  writeConfig({ ...config, profiles: { ...config.profiles, [profile]: { ...own(config.profiles, profile), ...account } }, activeProfile: config.activeProfile ?? profile });
  return profile;
}

/** Removes the key of a profile; gives the profile's name where there was one. */
export function forgetProfile(name) {
  const config = readConfig();
  const profile = nameOf(config, name);
  if (!own(config.profiles, profile)) return undefined;
  const { [profile]: gone, ...profiles } = config.profiles;
  writeConfig({ ...config, profiles });
  return profile;
}

/** Options for `Payments`: of the variables, else of the profile. */
export function account({ profile: name }) {
  const config = readConfig();
  const profile = nameOf(config, name);
  const stored = own(config.profiles, profile);
  const { NVM_API_KEY, NVM_ENVIRONMENT, NVM_BACKEND_URL } = process.env;
  if (name !== undefined && !stored) throw new UsageError(`--profile: ${configPath()} has no ${name}: npx payments-wasm login --profile ${name}`);
  const nvmApiKey = NVM_API_KEY || stored?.nvmApiKey;
  if (!nvmApiKey) throw new UsageError('nobody is logged in: npx payments-wasm login, or set NVM_API_KEY');
  const backend = NVM_BACKEND_URL || stored?.backend;
  const environment = NVM_ENVIRONMENT || (NVM_BACKEND_URL ? 'custom' : stored?.environment) || 'sandbox';
  return { nvmApiKey, environment, ...(environment === 'custom' && { backend }) };
}
