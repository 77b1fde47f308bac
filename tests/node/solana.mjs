// A chain of Solana's that is a stub of its RPC, which checks the signatures of what it is asked to simulate, and a facilitator of x402 over it: that of
// @x402/svm, which checks the transaction.
import { createServer } from 'node:http';
import { generateKeyPairSigner, getAddressEncoder, getBase58Decoder, getTransactionDecoder, verifySignature } from '@solana/kit';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorSvmSigner } from '@x402/svm';
import { registerExactSvmScheme } from '@x402/svm/exact/facilitator';

export const NETWORK = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
export const USDC = '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU';
const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';

/** The mint of a coin with six decimals. */
const MINT = (() => {
  const data = Buffer.alloc(82);
  data.writeBigUInt64LE(1_000_000_000n, 36);
  data[44] = 6;
  data[45] = 1;
  return data.toString('base64');
})();

/** The signatures of a transaction that are there: whose, and if they are right. */
export async function signatures(transaction) {
  const { messageBytes, signatures: all } = getTransactionDecoder().decode(Buffer.from(transaction, 'base64'));
  return Promise.all(Object.entries(all).filter(([, signature]) => signature).map(async ([address, signature]) => {
    const key = await crypto.subtle.importKey('raw', getAddressEncoder().encode(address), 'Ed25519', true, ['verify']);
    return [address, await verifySignature(key, signature, messageBytes)];
  }));
}

async function listen(servers, handler) {
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = parts.length ? JSON.parse(Buffer.concat(parts)) : undefined;
    const [status, json] = await handler(request.url, body).then((found) => [200, found], (error) => [500, { error: String(error?.message) }]);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
  });
  servers.push(server);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${server.address().port}`;
}

/**
 * `{ rpcUrl, url, feePayer, sent, calls, supported, stop }`: `sent` are the transactions that were sent to the chain, `calls` the questions and answers of the
 * facilitator at `url`; `supported` may change what it says of itself.
 */
export async function startSolana() {
  const servers = [];
  const self = { sent: [], calls: [], supported: (said) => said };
  const rpc = (_, { id, method, params }) => {
    const context = { slot: 1 };
    const methods = {
      getAccountInfo: () => ({ context, value: { data: [MINT, 'base64'], owner: TOKEN_PROGRAM, lamports: 1_461_600, executable: false, rentEpoch: 0, space: 82 } }),
      getLatestBlockhash: () => ({ context, value: { blockhash: getBase58Decoder().decode(new Uint8Array(32).fill(7)), lastValidBlockHeight: 1000 } }),
      async simulateTransaction() {
        const found = await signatures(params[0]);
        // The payer of the fee signs the verified transaction.
        const valid = found.length > 0 && found.every(([, right]) => right);
        return { context, value: { err: valid ? null : 'SignatureFailure', logs: [], accounts: null, unitsConsumed: 1, returnData: null } };
      },
      sendTransaction() {
        const [first] = Object.values(getTransactionDecoder().decode(Buffer.from(params[0], 'base64')).signatures);
        self.sent.push(params[0]);
        return getBase58Decoder().decode(first);
      },
      getSignatureStatuses: () => ({ context, value: [{ slot: 1, confirmations: null, err: null, confirmationStatus: 'finalized', status: { Ok: null } }] }),
    };
    return Promise.resolve(methods[method]?.()).then((result) => (result === undefined ? { jsonrpc: '2.0', id, error: { code: -32601, message: method } } : { jsonrpc: '2.0', id, result }));
  };
  const rpcUrl = await listen(servers, rpc);
  const signer = await generateKeyPairSigner();
  const facilitator = registerExactSvmScheme(new x402Facilitator(), { signer: toFacilitatorSvmSigner(signer, { defaultRpcUrl: rpcUrl }), networks: NETWORK });
  const url = await listen(servers, async (path, body) => {
    if (path === '/supported') {
      const said = self.supported(facilitator.getSupported());
      self.calls.push([path, said]);
      return said;
    }
    const result = await (path === '/verify' ? facilitator.verify(body.paymentPayload, body.paymentRequirements) : facilitator.settle(body.paymentPayload, body.paymentRequirements));
    self.calls.push([path, result, body]);
    return result;
  });
  return Object.assign(self, {
    rpcUrl, url, feePayer: signer.address,
    stop: () => Promise.all(servers.map((server) => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }))),
  });
}
