import { Payments } from './pkg/index.js';
import { payAndReport } from './pay.js';

const asked = new URLSearchParams(location.search);
const config = JSON.parse(asked.get('config'));
const result = document.createElement('output');
result.id = 'result';
result.textContent = JSON.stringify(asked.get('who') === 'page' ? await payAndReport(Payments, config) : await chrome.runtime.sendMessage(config));
document.body.append(result);
