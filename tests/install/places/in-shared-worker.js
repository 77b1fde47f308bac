import { Payments } from '/cdn/payments-wasm@1.2.3/index.js';
import { payAndReport } from '/pay.js';

onconnect = ({ ports: [port] }) => {
  port.onmessage = async ({ data }) => port.postMessage(await payAndReport(Payments, data));
};
