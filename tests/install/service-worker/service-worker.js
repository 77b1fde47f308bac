import { Payments } from '/pkg/inline.js';
import { payAndReport } from '/pay.js';

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => event.waitUntil(payAndReport(Payments, event.data).then((result) => event.source.postMessage(result))));
