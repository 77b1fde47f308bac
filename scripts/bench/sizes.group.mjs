// The size of the seller's artefacts, after gzip -9, of all files that are loaded.
import { measure as sizes } from '../lib/sizes.mjs';

export const keys = ['paywall.gzip', 'worker.gzip'];
export const needs = ['paywall', 'worker'];

export async function measure() {
  const { paywall, worker } = sizes();
  const figure = ({ gzip, wasm, js }) => ({ median: gzip, unit: 'bytes', note: `wasm ${wasm.gzip}, JavaScript ${js.gzip}` });
  return { 'paywall.gzip': figure(paywall), 'worker.gzip': figure(worker) };
}
