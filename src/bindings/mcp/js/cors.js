// Pages of other origins that speak to an MCP server. Without `allowedOrigins` no page does.

const METHODS = 'GET, POST, DELETE, OPTIONS';
const HEADERS = 'accept, authorization, content-type, last-event-id, mcp-protocol-version, mcp-session-id, payment-signature';
const EXPOSED = 'mcp-session-id, payment-receipt, payment-required, payment-response, www-authenticate';

/** A fetch handler for pages of the allowed origins, `*` for all of them; `others` are further headers that they may send. */
export function withCors(handler, allowedOrigins = [], others = []) {
  return async (request, ...more) => {
    const origin = request.headers.get('origin');
    const allowed = origin !== null && (allowedOrigins.includes('*') || allowedOrigins.includes(origin));
    if (!allowed) return handler(request, ...more);
    const shared = { 'access-control-allow-origin': origin, vary: 'origin' };
    if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method')) {
      return new Response(null, {
        status: 204, headers: { ...shared, 'access-control-allow-methods': METHODS, 'access-control-allow-headers': [HEADERS, ...others].join(', '), 'access-control-max-age': '600' },
      });
    }
    const { status, statusText, headers, body } = await handler(request, ...more);
    const answer = new Response(body, { status, statusText, headers });
    for (const [name, value] of Object.entries({ ...shared, 'access-control-expose-headers': EXPOSED })) answer.headers.set(name, value);
    return answer;
  };
}
