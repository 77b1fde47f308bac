// Load for a server on this machine, as cheap as JavaScript makes it: the machine's time is for the server. Requests are
// bytes that are made before, connections stay, and of an answer only status and body are read.
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';

/** A request as the bytes that go over the wire. */
export function request(url, method, path, { body, headers = {} } = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`, `host: ${new URL(url).host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(text ? ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`] : []), '', text,
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** A connection that takes one request after the other. `send(bytes)` resolves to `{ status, body }`. */
export function wire(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  let waiting;
  let received = '';
  const fail = (error) => {
    waiting?.reject(error ?? new Error('the connection ended'));
    waiting = undefined;
  };
  socket.setEncoding('latin1').on('data', (text) => {
    received = received ? received + text : text;
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, head));
    const end = head + 4 + Number(length?.[1] ?? 0);
    if (received.length < end) return;
    const answer = { status: Number(received.slice(9, 12)), body: received.slice(head + 4, end) };
    received = received.slice(end);
    const { resolve } = waiting;
    waiting = undefined;
    resolve(answer);
  });
  socket.on('error', fail).on('close', () => fail());
  return {
    send: (bytes) => new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the connection ended'));
      waiting = { resolve, reject };
      socket.write(bytes);
    }),
    end: () => socket.destroy(),
  };
}

/** Has `lanes` connections do `work(send, lane)` over and over for so many seconds: how often it was done in a second. */
export async function rate(url, lanes, seconds, work) {
  const wires = Array.from({ length: lanes }, () => wire(url));
  const until = performance.now() + seconds * 1000;
  const started = performance.now();
  let done = 0;
  try {
    await Promise.all(wires.map(async ({ send }, lane) => {
      while (performance.now() < until) {
        await work(send, lane);
        done++;
      }
    }));
    return done / ((performance.now() - started) / 1000);
  } finally {
    for (const one of wires) one.end();
  }
}

/** The processor time that a process has had, in seconds; undefined where the system does not say. */
export function processorTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return undefined;
  }
}
