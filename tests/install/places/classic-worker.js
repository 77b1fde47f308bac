import { config, show } from './show.js';

const worker = new Worker('/in-classic-worker.js');
worker.onmessage = ({ data }) => show(data);
worker.onerror = ({ message }) => show({ error: message });
worker.postMessage(await config());
