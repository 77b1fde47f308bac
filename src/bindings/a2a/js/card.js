// The card of an agent that is paid for.
import { CARD_EXTENSION, EXTENSION } from './wire.js';

/**
 * The card with the extensions that say how it is paid. `payment` is Nevermined's: `paymentType` (`fixed` or `dynamic`), `credits`, `planId` or `planIds`, `agentId`,
 * `costDescription`.
 */
export function paymentAgentCard(problem) {
  return (card, payment = {}) => {
    const { paymentType, credits, planId, planIds, agentId } = payment;
    const wrong = (words) => { throw problem('validation', words); };
    if (paymentType !== 'fixed' && paymentType !== 'dynamic') wrong("paymentType must be 'fixed' or 'dynamic'");
    if (!(Number.isSafeInteger(credits) && credits >= 0)) wrong('credits must be a whole number');
    if (typeof agentId !== 'string' || agentId === '') wrong('agentId must be a text');
    if ((planId === undefined) === (planIds === undefined)) wrong('either planId or planIds must be given');
    if (planIds !== undefined && !(Array.isArray(planIds) && planIds.length > 0)) wrong('planIds must be a list that is not empty');
    const { capabilities = {} } = card;
    const others = (capabilities.extensions ?? []).filter(({ uri }) => uri !== CARD_EXTENSION && uri !== EXTENSION);
    return {
      ...card,
      capabilities: {
        ...capabilities,
        extensions: [
          ...others, { uri: CARD_EXTENSION, description: payment.costDescription ?? '', required: false, params: payment },
          { uri: EXTENSION, description: 'Payments by x402 in band.', required: false, params: undefined },
        ].map(({ params, ...one }) => (params === undefined ? one : { ...one, params })),
      },
    };
  };
}

/** The price in a card; undefined for a card that is not paid for. */
export const paymentOfCard = ({ capabilities } = {}) => capabilities?.extensions?.find(({ uri }) => uri === CARD_EXTENSION)?.params;
