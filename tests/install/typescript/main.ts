import init, { ConsentDenied, Payments, PaymentsError } from 'payments-wasm';
import type { Approval, PaidResponse, Receipt } from 'payments-wasm';
import { Payments as Inline } from 'payments-wasm/inline';
import { Payments as Builder } from 'payments-wasm/builder';
import { PaywallError, paywall } from 'payments-wasm/paywall';
import { toNodeListener } from 'payments-wasm/paywall/node';

const approve = (): Approval => ({ approve: true, purchase: true });
export const payments: Payments = Payments.getInstance({ nvmApiKey: 'sandbox:key', environment: 'sandbox', approve });
export const inline = Inline.getInstance({ nvmApiKey: 'sandbox:key', environment: 'sandbox' });
export const seller = Builder.getInstance({ nvmApiKey: 'sandbox:key', environment: 'sandbox' });
export const gate = paywall(() => new Response('paid'), { nvmApiKey: 'sandbox:key', environment: 'sandbox', routes: { 'GET /a': { planId: '1', credits: 1 } } });
export const listener = toNodeListener(gate);

export async function buy(url: string): Promise<Receipt | undefined> {
  await init();
  try {
    const { response, receipt }: PaidResponse = await payments.fetch(url, { method: 'POST' });
    if (!response.ok) throw new PaywallError('no', { code: 'config_invalid' });
    return receipt;
  } catch (error) {
    if (error instanceof ConsentDenied) return undefined;
    if (error instanceof PaymentsError) throw new Error(`${error.code}: ${error.hint ?? ''}`);
    throw error;
  }
}
