import { config, show } from './show.js';

const worker = new Worker('/dist/worker.js');
worker.onmessage = ({ data }) => show(data);
worker.onerror = ({ message }) => show({ error: message });
worker.postMessage(await config());
