// esbuild takes no file along, so the wasm is text in a chunk.
export default { title: 'esbuild', quick: true, build: [['esbuild', 'main.js', '--bundle', '--minify', '--splitting', '--format=esm', '--outdir=dist'], ['node', 'html.mjs']], page: 'dist' };
