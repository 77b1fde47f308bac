// Measures servers of this machine: the processor time that a process spends on a request.
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';

/** The processor time of a process, in microseconds: the sum over its threads where the system tells it, else of its clock. */
export function processorMicros(pid) {
  try {
    let nanos = 0;
    for (const task of readdirSync(`/proc/${pid}/task`)) nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    return nanos / 1000;
  } catch {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13);
    return (Number(user) + Number(system)) * 10_000;
  }
}

/** A connection that sends one request after the other. `send(bytes)` resolves to `{ status, head, bytes }`. */
export function connection(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  let waiting;
  let head;
  let received = Buffer.alloc(0);
  let body = 0;
  let tail = '';
  const fail = (error) => {
    waiting?.reject(error ?? new Error('the connection ended'));
    waiting = undefined;
  };
  const done = () => {
    const { resolve } = waiting;
    const answer = { status: Number(head.slice(9, 12)), head, bytes: body };
    [waiting, head, body, tail] = [undefined, undefined, 0, ''];
    resolve(answer);
  };
  socket.on('data', (chunk) => {
    if (head === undefined) {
      received = received.length > 0 ? Buffer.concat([received, chunk]) : chunk;
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      head = received.toString('latin1', 0, end);
      chunk = received.subarray(end + 4);
      received = Buffer.alloc(0);
    }
    body += chunk.length;
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    if (length) {
      if (body >= Number(length[1])) done();
    } else if (/\r\ntransfer-encoding: chunked/i.test(head)) {
      tail = (tail + chunk.subarray(-8).toString('latin1')).slice(-8);
      if (tail.endsWith('0\r\n\r\n')) done();
    } else {
      done();
    }
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

/** The bytes of a request. */
export function request(url, method, path, { body, headers = {} } = {}) {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${new URL(url).host}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  if (body !== undefined) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from([...lines, '', body ?? ''].join('\r\n'));
}

/**
 * Sends `count` requests over a few connections: microseconds of the server's processor for each, and how many it answered
 * in a second. `next(index)` gives the bytes of a request.
 */
export async function load({ url, pid }, count, next, { status = 200, lanes = 4 } = {}) {
  const wires = Array.from({ length: lanes }, () => connection(url));
  let index = 0;
  const [before, began] = [processorMicros(pid), performance.now()];
  try {
    await Promise.all(wires.map(async ({ send }) => {
      while (index < count) {
        const answer = await send(next(index++));
        if (answer.status !== status) throw new Error(`${url} answered ${answer.status} in place of ${status}: ${answer.head}`);
      }
    }));
    const seconds = (performance.now() - began) / 1000;
    return { micros: (processorMicros(pid) - before) / count, perSecond: count / seconds };
  } finally {
    for (const { end } of wires) end();
  }
}

export function spread(values, more = {}) {
  const sorted = [...values].sort((one, other) => one - other);
  return { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted.at(-1), ...more };
}

/**
 * Measures servers in turns, so that what the machine does besides meets all of them. `runs` is `{ name: () => load(...) }`;
 * gives `{ name: [result of each round] }`. A first round warms up and is not counted.
 */
export async function rounds(runs, count) {
  const results = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  for (let round = 0; round <= count; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const result = await run();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

/** The peer's processor time over ours, round by round. */
export function ratio(results, ours, peer, more = {}) {
  const values = results[ours].map(({ micros }, round) => results[peer][round].micros / micros);
  const median = (name) => spread(results[name].map(({ micros }) => micros)).median;
  const perSecond = (name) => Math.round(spread(results[name].map((result) => result.perSecond)).median);
  return spread(values, {
    unit: 'times', note: `${Math.round(median(ours))} us beside ${Math.round(median(peer))} us a request; ${perSecond(ours)} and ${perSecond(peer)} a second`, ...more,
  });
}
