// Rspack, its default production build.
export default { title: 'Rspack', quick: true, build: [['rspack', 'build', '--mode', 'production'], ['node', 'html.mjs']], page: 'dist' };
