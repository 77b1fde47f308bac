// Rollup with terser: it takes no file along, so the wasm is text in a chunk.
export default { title: 'Rollup + terser', quick: true, build: [['rollup', '-c']], page: 'dist' };
