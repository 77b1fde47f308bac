import { Payments } from '/pkg/index.js';
import { told } from '/pay.js';

onmessage = async ({ data }) => postMessage(await told(Payments, data));
