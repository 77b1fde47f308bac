// It knows nothing of payments: proxy.js stands before it.
import { answered } from '../../../../seller.js';

export const POST = (request) => answered(request);
