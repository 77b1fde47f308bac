'use client';
import { useEffect, useState } from 'react';
import { Payments } from 'payments-wasm';
import { payAndReport } from '../pay.js';

let paying;

export default function Page() {
  const [result, setResult] = useState();
  useEffect(() => {
    paying ??= payAndReport(Payments, JSON.parse(new URLSearchParams(location.search).get('config')));
    paying.then(setResult);
  }, []);
  return result ? <output id="result">{JSON.stringify(result)}</output> : <p>paying</p>;
}
