import { Payments } from './pkg/inline.js';
import { told } from './pay.js';

chrome.runtime.onMessage.addListener((config, sender, answer) => {
  told(Payments, config).then(answer);
  return true;
});
