/** The amount that may still be spent, summed over active delegations for each currency. */
export async function purchasingPower(delegation) {
  const options = { accessible: true };
  const [cards, { delegations = [] } = {}] = await Promise.all([delegation.listPaymentMethods(options), delegation.listDelegations(options)]);
  const byCurrency = {};
  for (const { status, currency, remainingBudgetCents } of delegations) {
    if (status === 'Active') byCurrency[currency] = (byCurrency[currency] ?? 0) + Number(remainingBudgetCents);
  }
  const [currency = 'usd'] = Object.keys(byCurrency);
  return { cards, delegations, totalRemainingBudgetCents: byCurrency[currency] ?? 0, currency, byCurrency };
}
