import { Payments } from '/cdn/payments-wasm@1.2.3/index.js';
import { told } from '/pay.js';

onconnect = ({ ports: [port] }) => {
  port.onmessage = async ({ data }) => port.postMessage(await told(Payments, data));
};
