const worker = new Worker('/worker.js', { type: 'module' });
worker.onmessage = ({ data }) => {
  const result = document.createElement('output');
  result.id = 'result';
  result.textContent = JSON.stringify(data);
  document.body.append(result);
};
worker.onerror = (error) => console.error(error.message);
worker.postMessage(await (await fetch('/config.json')).json());
