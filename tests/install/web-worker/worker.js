import { Payments } from '/pkg/index.js';
import { payAndReport } from '/pay.js';

onmessage = async ({ data }) => postMessage(await payAndReport(Payments, data));
