const { Payments } = require('payments-wasm');

(async () => {
  const { told } = await import('./pay.js');
  console.log(JSON.stringify(await told(Payments, JSON.parse(process.env.CONFIG))));
})();
