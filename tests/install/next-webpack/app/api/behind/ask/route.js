// It knows nothing of payments: middleware.js stands before it.
import { answered } from '../../../../seller.js';

export const POST = (request) => answered(request);
