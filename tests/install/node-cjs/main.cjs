const { Payments } = require('payments-wasm');

(async () => {
  const { payAndReport } = await import('./pay.js');
  console.log(JSON.stringify(await payAndReport(Payments, JSON.parse(process.env.CONFIG))));
})();
