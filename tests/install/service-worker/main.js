await navigator.serviceWorker.register('/service-worker.js', { type: 'module' });
const { active } = await navigator.serviceWorker.ready;
navigator.serviceWorker.onmessage = ({ data }) => {
  const result = document.createElement('output');
  result.id = 'result';
  result.textContent = JSON.stringify(data);
  document.body.append(result);
};
navigator.serviceWorker.startMessages();
active.postMessage(await (await fetch('/config.json')).json());
