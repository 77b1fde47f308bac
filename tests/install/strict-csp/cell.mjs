// The strictest policy that a page which pays can have: scripts and the wasm of its own origin alone.
import { cpSync } from 'node:fs';
import { join } from 'node:path';

const policy = ({ sandbox, paywall }) => `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${sandbox} ${paywall}; require-trusted-types-for 'script'; base-uri 'none'`;

export default {
  title: 'strict Content-Security-Policy', quick: true,
  async run({ folder, chromium, pay, look }) {
    cpSync(join(folder, 'node_modules/payments-wasm'), join(folder, 'pkg'), { recursive: true });
    await pay((config) => look({ chromium, folder, config, headers: { 'content-security-policy': policy(config) } }));
    // A script that a nonce lets in may load others.
    const trusting = ({ sandbox, paywall }) => `default-src 'none'; script-src 'nonce-n0nce' 'strict-dynamic' 'wasm-unsafe-eval'; connect-src 'self' ${sandbox} ${paywall}`;
    await pay((config) => look({ chromium, folder, config, headers: { 'content-security-policy': trusting(config) } }));
    // Without the word for wasm the page is told which word.
    const refused = await look({ chromium, folder, config: { nvmApiKey: 'local:e30.e30.c2ln', sandbox: 'http://127.0.0.1:9', paywall: 'http://127.0.0.1:9' },
      headers: { 'content-security-policy': "default-src 'none'; script-src 'self'; connect-src 'self'" } });
    if (refused.code !== 'wasm_load_failed' || !/'wasm-unsafe-eval'/.test(refused.hint)) throw new Error(JSON.stringify(refused));
  },
};
