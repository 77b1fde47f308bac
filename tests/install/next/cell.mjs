// Next.js, built and started for production: a client page, a route in Node and one in the edge runtime that pay; and routes that are paid for, by
// themselves in both runtimes, and behind a proxy.
import { pays, sells } from '../next-cells.mjs';

export default {
  title: 'Next.js: client, node, edge; gated routes, a gating proxy', build: [['next', 'build']],
  async run(tools) {
    await pays(tools, ['node', 'edge']);
    await sells(tools, ['/api/gated/ask', '/api/gated-edge/ask', '/api/behind/ask']);
  },
};
