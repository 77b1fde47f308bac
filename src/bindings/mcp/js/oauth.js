// OAuth of an MCP server: its documents tell a client that people log in at Nevermined (RFC 9728, RFC 8414), and `POST /register` gives the client a
// name (RFC 7591). The token that comes of it is an access token of a plan, which pays as a bearer.
import { Environments, getEnvironmentFromApiKey } from '../../builder/js/environments.js';

const SCOPES = ['openid', 'profile', 'credits', 'mcp:read', 'mcp:write', 'mcp:tools'];
const DOCUMENT = /^\/\.well-known\/(oauth-protected-resource|oauth-authorization-server|openid-configuration)(\/.*)?$/;
/** The most that a registration may weigh, in bytes. */
const MAX_BODY = 64 * 1024;

/** True for a path that `withOauth` answers. */
export const isOauthPath = (path) => DOCUMENT.test(path) || path === '/register';

/**
 * The handler of an MCP server with its documents. With `required` each request needs a bearer, and a 401 says where to get one. `baseUrl` is the address that clients
 * use, where it is not that of their requests.
 */
export function withOauth(handler, { required, frontend, baseUrl, agentId, nvmApiKey, environment, backend }) {
  return async (request, env, context) => {
    const { origin, pathname } = new URL(request.url);
    const base = (baseUrl ?? origin).replace(/\/$/, '');
    const [, document, suffix = ''] = DOCUMENT.exec(pathname) ?? [];
    if (document && request.method === 'GET') {
      const made = document === 'oauth-protected-resource' ? resource(base, suffix)
        : server(document, base, platform({ frontend, nvmApiKey, environment, backend }, env));
      return Response.json(made, { headers: { 'cache-control': 'public, max-age=300' } });
    }
    if (pathname === '/register' && request.method === 'POST') return register(request, agentId);
    if (!required || /^bearer\s+\S/i.test(request.headers.get('authorization') ?? '')) return handler(request, env, context);
    const about = `${base}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`;
    return Response.json({ error: 'unauthorized', error_description: 'A bearer token is needed.' }, {
      status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${about}"`, 'cache-control': 'no-store' },
    });
  };
}

/** Where people log in, and where codes become tokens. Options of the gate come before variables of a Worker. */
function platform({ frontend, nvmApiKey, environment, backend }, env) {
  const name = environment ?? env?.NVM_ENVIRONMENT ?? getEnvironmentFromApiKey(nvmApiKey ?? env?.NVM_API_KEY);
  if (name !== 'custom') return Environments[name] ?? Environments.sandbox;
  const api = (backend ?? env?.NVM_API_URL ?? Environments.custom.backend).replace(/\/$/, '');
  return { backend: api, frontend: (frontend ?? api).replace(/\/$/, '') };
}

const resource = (base, suffix) => ({
  resource: `${base}${suffix}`, authorization_servers: [base], scopes_supported: SCOPES, bearer_methods_supported: ['header'],
});

/** The issuer is the address that the document came from, as RFC 8414 has it; that of OpenID Connect is who signs the identities. */
const server = (document, base, { frontend, backend }) => ({
  issuer: document === 'openid-configuration' ? frontend : base,
  authorization_endpoint: `${frontend}/oauth/authorize`, token_endpoint: `${backend}/oauth/token`, registration_endpoint: `${base}/register`,
  jwks_uri: `${backend}/.well-known/jwks.json`, userinfo_endpoint: `${backend}/oauth/userinfo`, scopes_supported: SCOPES, response_types_supported: ['code'],
  grant_types_supported: ['authorization_code', 'refresh_token'], code_challenge_methods_supported: ['S256'], token_endpoint_auth_methods_supported: ['none', 'client_secret_post'],
  subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256', 'RS256'],
});

/** The name of a client: the agent's id, or one that is made up. Nothing is kept: the platform takes a code for the client and the address that it was asked with. */
async function register(request, agentId) {
  const refuse = (error, error_description) => Response.json({ error, error_description }, { status: 400, headers: { 'cache-control': 'no-store' } });
  const text = Number(request.headers.get('content-length') ?? 0) > MAX_BODY ? '' : await request.text();
  let asked;
  try {
    asked = text.length <= MAX_BODY ? JSON.parse(text) : undefined;
  } catch {
    // The refusal says so.
  }
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return refuse('invalid_client_metadata', 'The body must be the metadata of a client, in JSON.');
  const { redirect_uris: addresses, client_name, client_uri, grant_types = ['authorization_code'], scope } = asked;
  if (!Array.isArray(addresses) || addresses.length === 0 || !addresses.every(isWayBack)) {
    return refuse('invalid_redirect_uri', 'redirect_uris must have https addresses, those of this machine, or those of an app, without a fragment.');
  }
  const client_id = agentId ?? `nvm-mcp-client-${Date.now()}-${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const named = { ...(typeof client_name === 'string' && { client_name }), ...(typeof client_uri === 'string' && { client_uri }), ...(typeof scope === 'string' && { scope }) };
  return Response.json({
    client_id, client_id_issued_at: Math.floor(Date.now() / 1000), redirect_uris: addresses, grant_types, response_types: ['code'], token_endpoint_auth_method: 'none', ...named,
  }, { status: 201, headers: { 'cache-control': 'no-store' } });
}

/** An address that a browser may go back to with a code. */
function isWayBack(address) {
  if (typeof address !== 'string' || !URL.canParse(address)) return false;
  const { protocol, hostname, hash } = new URL(address);
  if (hash || ['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'].includes(protocol)) return false;
  return protocol !== 'http:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}
