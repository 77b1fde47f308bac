// The public types of `payments-wasm/paywall/node`.

/**
 * A fetch handler as a listener of `node:http`, `node:https` or `node:http2`: bodies are streamed both ways, and a client that
 * goes away ends the request's signal. The handler's second argument is `{ remoteAddr: { hostname, port } }`, as Deno has it.
 * A body that a parser in front has read is taken from `rawBody`, or from `body` where that holds its bytes. Headers that were
 * set on the response before stay.
 */
export function toNodeListener(handler: NodeHandler, options?: NodeOptions): NodeListener;

/** A fetch handler. */
export type NodeHandler = (request: Request, context: NodeContext) => Response | Promise<Response>;

/** A listener for `createServer`. The types of Node are not imported, so that projects without them compile. */
export type NodeListener = (incoming: any, outgoing: any) => Promise<void>;

/** Facts about a connection. */
export interface NodeContext {
  /** Address of the client. */
  remoteAddr: { hostname: string | undefined; port: number | undefined };
}

/** How a request is read. */
export interface NodeOptions {
  /**
   * The scheme of the request's URL, behind something that ends TLS and keeps the `Host` header. Default: the connection's own;
   * `x-forwarded-proto` is not believed. Where `Host` is not kept, the gate's option `publicUrl` says the address.
   */
  protocol?: 'http' | 'https';
}
