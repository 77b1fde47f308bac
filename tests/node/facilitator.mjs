// A facilitator of x402 that really checks: signatures by viem, amounts, recipients, times, and nonces that are spent once. Nothing is on
// a chain: balances are kept here.
import { createServer } from 'node:http';
import { verifyTypedData } from 'viem';

const TYPES = {
  TransferWithAuthorization: [
    ['from', 'address'], ['to', 'address'], ['value', 'uint256'], ['validAfter', 'uint256'], ['validBefore', 'uint256'], ['nonce', 'bytes32'],
  ].map(([name, type]) => ({ name, type })),
};

/** `{ url, spent, calls, fail, stop }`: `spent` are the transfers that were settled, `fail` answers instead of a settlement. */
export async function startFacilitator({ network = 'eip155:84532' } = {}) {
  const self = { spent: [], calls: [], fail: undefined };
  const check = async ({ paymentPayload, paymentRequirements: required }) => {
    const { payload, x402Version } = paymentPayload;
    const { authorization, signature } = payload;
    const amount = required.amount ?? required.maxAmountRequired;
    const now = BigInt(Math.floor(Date.now() / 1000));
    const chainId = Number(network.split(':')[1]);
    const valid = await verifyTypedData({
      address: authorization.from, primaryType: 'TransferWithAuthorization', types: TYPES, signature,
      domain: { name: required.extra.name, version: required.extra.version, chainId, verifyingContract: required.asset }, message: authorization,
    }).catch(() => false);
    const refuse = (invalidReason) => ({ isValid: false, invalidReason, payer: authorization.from });
    if (!valid) return refuse('invalid_exact_evm_signature');
    if (authorization.value !== amount) return refuse('invalid_exact_evm_payload_authorization_value_mismatch');
    if (authorization.to.toLowerCase() !== required.payTo.toLowerCase()) return refuse('invalid_exact_evm_recipient_mismatch');
    if (BigInt(authorization.validBefore) < now + 6n) return refuse('invalid_exact_evm_payload_authorization_valid_before');
    if (BigInt(authorization.validAfter) > now) return refuse('invalid_exact_evm_payload_authorization_valid_after');
    if (self.spent.some(({ nonce }) => nonce === authorization.nonce)) return refuse('invalid_exact_evm_nonce_already_used');
    return { isValid: true, payer: authorization.from, x402Version };
  };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = parts.length ? JSON.parse(Buffer.concat(parts)) : undefined;
    self.calls.push([request.url, body]);
    const answer = (json, status = 200) => {
      const text = JSON.stringify(json);
      return response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
    };
    if (request.url === '/supported') {
      return answer({ kinds: [{ x402Version: 2, scheme: 'exact', network }, { x402Version: 1, scheme: 'exact', network: 'base-sepolia' }], extensions: [], signers: {} });
    }
    const found = await check(body);
    if (request.url === '/verify') return answer(found);
    if (self.fail) return answer(...self.fail);
    const { authorization } = body.paymentPayload.payload;
    if (!found.isValid) return answer({ success: false, errorReason: found.invalidReason, transaction: '', network, payer: found.payer });
    self.spent.push(authorization);
    return answer({ success: true, transaction: `0x${String(self.spent.length).padStart(64, '0')}`, network, payer: found.payer });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(self, {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }),
  });
}
