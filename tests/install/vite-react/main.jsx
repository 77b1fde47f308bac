import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Payments } from 'payments-wasm';
import { payAndReport } from './pay.js';

let paying;

function App() {
  const [result, setResult] = useState();
  useEffect(() => {
    // A payment is no effect that may run twice: it is one for the page.
    paying ??= fetch('/config.json').then((answer) => answer.json()).then((config) => payAndReport(Payments, config));
    let shown = true;
    paying.then((value) => shown && setResult(value));
    return () => { shown = false; };
  }, []);
  return result ? <output id="result">{JSON.stringify(result)}</output> : 'paying';
}

createRoot(document.getElementById('root')).render(<StrictMode><App /></StrictMode>);
