import { config, show } from './show.js';

const { port } = new SharedWorker('/in-shared-worker.js', { type: 'module' });
port.onmessage = ({ data }) => show(data);
port.postMessage(await config());
