// A payment as a new buyer makes it: `Payments` is the class of the entry that is tried, `config` says where the parts stand.

/** The facts that the page, the process or the Worker reports. */
export async function pay(Payments, { nvmApiKey, sandbox, paywall }) {
  const payments = Payments.getInstance({
    nvmApiKey, environment: 'custom', backend: sandbox,
    approve: async ({ planId }) => {
      const limit = { provider: 'erc4337', spendingLimitCents: 1000, durationSecs: 3600, currency: 'usdc', planId };
      const { delegationId } = await payments.delegation.createDelegation(limit);
      return { approve: true, purchase: true, delegationId };
    },
  });
  const { response, receipt } = await payments.fetch(`${paywall}/ask`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ question: 'What is 15% of 240?' }),
  });
  const { answer } = await response.json();
  return { status: response.status, answer, credits: String(receipt.creditsRedeemed), left: String(receipt.remainingBalance) };
}

/** The same, or what went wrong: what is told is always an object that JSON takes. */
export async function payAndReport(Payments, config) {
  try {
    return await pay(Payments, config);
  } catch (error) {
    return { error: `${error.name}: ${error.message}`, code: error.code, hint: error.hint, stack: error.stack };
  }
}
