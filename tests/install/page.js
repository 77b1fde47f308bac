// A payment in a page: the answer stands in the page when it is there.
import { payAndReport } from './pay.js';

export async function page(Payments) {
  const config = await (await fetch('/config.json')).json();
  const result = document.createElement('output');
  result.id = 'result';
  result.textContent = JSON.stringify(await payAndReport(Payments, config));
  document.body.append(result);
}
