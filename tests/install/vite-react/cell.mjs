// Vite and React, under StrictMode as every template of React's begins: each effect runs twice.
export default { title: 'Vite 8 + React StrictMode', quick: true, build: [['vite', 'build']], page: 'dist' };
