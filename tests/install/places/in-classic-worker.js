onmessage = async ({ data }) => {
  const { Payments } = await import('/cdn/payments-wasm@1.2.3/index.js');
  const { payAndReport } = await import('/pay.js');
  postMessage(await payAndReport(Payments, data));
};
