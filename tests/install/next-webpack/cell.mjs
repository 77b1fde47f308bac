// Next.js, built and started for production by webpack: a client page, a route in Node; a route that is paid for, and a middleware in the edge runtime.
// Next 16.4.6 itself cannot build an edge route with webpack: with one that is `POST = async () => Response.json({})` and no package at all it ends with
// `ENOENT ... route_client-reference-manifest.js`.
import { pays, sells } from '../next-cells.mjs';

export default {
  title: 'Next.js (webpack): client, node; a gated route, a gating middleware', build: [['next', 'build', '--webpack']],
  async run(tools) {
    await pays(tools, ['node']);
    await sells(tools, ['/api/gated/ask', '/api/behind/ask']);
  },
};
