const { Payments } = require('payments-wasm');

import('./page.js').then(({ page }) => page(Payments));
