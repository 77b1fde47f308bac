// webpack 5, the default production build: the wasm has to be a file of its own.
export default { title: 'webpack 5', quick: true, build: [['webpack', '--mode', 'production', '--entry', './main.js'], ['node', 'html.mjs']], page: 'dist' };
