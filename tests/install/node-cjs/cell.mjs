// Node, `require`.
export default { title: 'Node, require', quick: true, node: ['main.cjs'] };
