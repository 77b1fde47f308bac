import { Payments } from '/pkg/index.js';
import { page } from '/page.js';

page(Payments);
