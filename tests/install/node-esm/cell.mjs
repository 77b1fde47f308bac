// Node, `import`.
export default { title: 'Node, import', quick: true, node: ['main.js'] };
