import { Payments } from './pkg/inline.js';
import { payAndReport } from './pay.js';

chrome.runtime.onMessage.addListener((config, sender, answer) => {
  payAndReport(Payments, config).then(answer);
  return true;
});
