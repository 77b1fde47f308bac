// Two versions of the package on one page: each loads its own wasm, knows its own errors, and pays.
import { Payments } from '/cdn/payments-wasm@1.2.3/index.js';
import { Payments as Other, PaymentsError } from '/cdn/another/index.js';
import { payAndReport } from './pay.js';
import { config, show } from './show.js';

const { nvmApiKey, ...platform } = await config();
const first = Payments.getInstance({ nvmApiKey, environment: 'custom', backend: platform.sandbox });
const wrong = await Other.getInstance({ nvmApiKey, environment: 'custom', backend: platform.sandbox }).fetch(`${platform.paywall}/ask`, { method: 'POST' }).catch((error) => error);
if (Other === Payments || !(wrong instanceof PaymentsError) || wrong.code !== 'consent_required') throw wrong;
await first.plans.getPlans();
show(await payAndReport(Payments, { nvmApiKey, ...platform }));
