// Deno: the network is all that it is allowed, and one variable.
export default { title: 'Deno', quick: true, node: ['run', '--allow-net=127.0.0.1', '--allow-env', '--node-modules-dir=manual', 'main.js'], with: 'deno' };
