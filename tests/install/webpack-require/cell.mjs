// webpack 5 with CommonJS sources, as older projects have them.
export default { title: 'webpack 5, require', quick: true, build: [['webpack', '--mode', 'production', '--entry', './main.cjs'], ['node', 'html.mjs']], page: 'dist' };
