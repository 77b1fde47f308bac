import { config, show } from './show.js';

await navigator.serviceWorker.register('/dist/service-worker.js', { scope: '/dist/' });
// The worker is for pages below its own folder; it is asked from here all the same.
const { active, installing, waiting } = await navigator.serviceWorker.getRegistration('/dist/');
const worker = active ?? waiting ?? installing;
if (worker.state !== 'activated') await new Promise((done) => worker.addEventListener('statechange', () => worker.state === 'activated' && done()));
navigator.serviceWorker.onmessage = ({ data }) => show(data);
navigator.serviceWorker.startMessages();
worker.postMessage(await config());
