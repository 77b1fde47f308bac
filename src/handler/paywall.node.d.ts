// The public types of `payments-wasm/paywall/node`.

/**
 * A fetch handler as a listener of `node:http`, `node:https` or `node:http2`: bodies are streamed both ways, and a client that
 * goes away ends the request's signal. The handler's second argument is `{ remoteAddr: { hostname, port } }`, as Deno has it.
 */
export function toNodeListener(handler: NodeHandler, options?: NodeOptions): NodeListener;

/** A fetch handler. */
export type NodeHandler = (request: Request, context: NodeContext) => Response | Promise<Response>;

/** What `createServer` takes. Node's own types are not asked for, so that nobody needs them who does not have them. */
export type NodeListener = (incoming: any, outgoing: any) => Promise<void>;

/** What is known of a connection. */
export interface NodeContext {
  /** Who is at its other end. */
  remoteAddr: { hostname: string | undefined; port: number | undefined };
}

/** How a request is read. */
export interface NodeOptions {
  /** The scheme of the request's URL, behind something that ends TLS. Default: the connection's own. */
  protocol?: 'http' | 'https';
}
