/** Headers of one hop (RFC 9110, 7.6.1): of `upgrade`, which is one too, the gate decides. */
export const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'http2-settings']);

/** The headers of a request for the next hop, which has its own of that kind. The `fetch` of Node throws where it is given some of these. */
export function endToEnd(headers) {
  for (const name of [...HOP, 'upgrade', 'expect', 'te', 'trailer']) headers.delete(name);
  return headers;
}
