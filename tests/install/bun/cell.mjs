// Bun.
export default { title: 'Bun', quick: true, node: ['run', 'main.js'], with: 'bun' };
