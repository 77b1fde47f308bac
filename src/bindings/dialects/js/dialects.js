// The dialects of 402 beside x402 with a plan: a file of its own, loaded with the first answer that speaks one. Reads offers, asks wallets
// for signatures, writes the headers that pay. The rules are in the core (`wire::exact`, `wire::mpp`).
import { lazily, problem } from './core.js';
import { unpacked } from './load.js';
import start, { exactHeader, exactPayment, exactTypedData, mppHeader, mppReceipt, readChallenges, readExact } from './dialects_glue.js';

/** The most that is read of a body that may hold an offer, in bytes. */
const MAX_OFFER = 64 * 1024;

let loading;
/** Starts the WebAssembly: of a module where the runtime gives one, else of the text beside this file. */
const ready = () => (loading ??= begin().catch((error) => {
  loading = undefined;
  throw error;
}));

async function begin() {
  const given = lazily.dialectsWasm ? (await lazily.dialectsWasm()).default : await unpacked((await lazily(() => import('./dialects.packed.js'))).default);
  await start({ module_or_path: given });
}

/** The offers of an answer that are no x402 offers of a plan, as a text for the core; undefined where there are none. */
export async function read(answer, { wallet, network, url }) {
  await ready();
  const challenges = answer.header('www-authenticate');
  const header = answer.header('payment-required');
  const found = [];
  if (challenges && /(^|[\s,])payment\s/i.test(challenges)) found.push(readChallenges(challenges, network, url));
  if (wallet) {
    const document = header ?? await answer.text(MAX_OFFER).catch(() => undefined);
    const [evm, solana] = [typeof wallet.request === 'function' || typeof wallet.signTypedData === 'function', typeof wallet.signSolanaPayment === 'function'];
    if (document && (header || /"x402Version"/.test(document))) found.push(readExact(document, header !== undefined, evm, solana));
  }
  const isBroken = (text) => text.startsWith('!');
  // An answer that is wrong in one dialect may be right in another.
  const offers = found.filter((text) => text && !isBroken(text)).join('\x1e');
  return offers || (header ? undefined : found.find(isBroken));
}

/** Has a wallet sign for an offer: what the core takes for the platform's answer to a mint. */
export async function sign(handle, wallet) {
  await ready();
  const { accepts: [{ network }] } = JSON.parse(handle);
  const signed = /^solana/.test(network) ? { transaction: await wallet.signSolanaPayment(JSON.parse(handle)) } : await signTyped(handle, wallet);
  return { status: 200, text: exactPayment(handle, JSON.stringify(signed), `pay_${crypto.randomUUID()}`) };
}

async function signTyped(handle, wallet) {
  const from = await addressOf(wallet);
  const { typedData, authorization, chainId, error, field } = JSON.parse(exactTypedData(handle, from, Math.floor(Date.now() / 1000), crypto.getRandomValues(new Uint8Array(32))));
  if (error) throw problem(error, `${field} is not what it must be`);
  if (typeof wallet.signTypedData === 'function') return { authorization, signature: await wallet.signTypedData(typedData) };
  const chain = `0x${chainId.toString(16)}`;
  // A wallet signs for the chain that it is at.
  if (await wallet.request({ method: 'eth_chainId' }) !== chain) await wallet.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: chain }] });
  return { authorization, signature: await wallet.request({ method: 'eth_signTypedData_v4', params: [from, JSON.stringify(typedData)] }) };
}

async function addressOf(wallet) {
  if (typeof wallet.address === 'string') return wallet.address;
  const [account] = await wallet.request({ method: 'eth_requestAccounts' });
  return account;
}

/** The header that sends a payment: name and value. A value that the caller gave stays behind a credential. */
export async function header(dialect, handle, token, given) {
  await ready();
  const made = JSON.parse(dialect === 'mpp' ? mppHeader(handle, token) : exactHeader(handle, token));
  if (!Array.isArray(made)) throw problem(made.error, `${made.field} is not what it must be`);
  const [name, value] = made;
  return [name, dialect === 'mpp' && given ? `${value}, ${given}` : value];
}

/** The receipt of an answer as the header of x402. */
export function receipt(dialect, answer, credits) {
  const header = answer.header('payment-response') ?? answer.header('x-payment-response');
  const other = dialect === 'mpp' ? answer.header('payment-receipt') : undefined;
  return header ?? (other && (mppReceipt(other, credits ?? '') || undefined));
}
