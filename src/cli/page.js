// A static server for the demo page: files of given folders and nothing else.
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * Serves `folders` (`{ '/prefix/': folder }`, the longest prefix first) and `config` as /config.json. The origins of
 * the URLs in the config are those that the page may send requests to: its content security policy refuses all others.
 */
export async function servePage({ host, port, config, folders }) {
  const headers = {
    // The configuration may still grow: the paywall wants to know the page's address first.
    get 'content-security-policy'() { return policy(config); },
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  const server = createServer(async (request, response) => {
    const send = (status, type, body, more) => {
      response.writeHead(status, { ...headers, 'content-type': type, ...more });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return send(405, 'text/plain; charset=utf-8', 'Only GET and HEAD\n', { allow: 'GET, HEAD' });
    }
    const path = pathOf(request.url);
    if (path === '/config.json') return send(200, TYPES['.json'], JSON.stringify(config));
    const file = path && (await find(path, folders));
    if (!file) return send(404, 'text/plain; charset=utf-8', 'Not found\n');
    response.writeHead(200, {
      ...headers, 'content-type': TYPES[extname(file.path)] ?? 'application/octet-stream', 'content-length': file.size,
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(file.path).on('error', () => response.destroy()).pipe(response);
  });
  await new Promise((done, fail) => server.once('error', fail).listen(port, host, done));
  return {
    url: `http://${host}:${server.address().port}`,
    stop: () => new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    }),
  };
}

function policy(config) {
  const urls = Object.values(config).filter((value) => typeof value === 'string' && URL.canParse(value));
  const origins = [...new Set(urls.map((url) => new URL(url).origin))];
  return [
    "default-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", `connect-src ${["'self'", ...origins].join(' ')}`,
    "style-src 'self'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'",
  ].join('; ');
}

/** The decoded path of a request, or undefined where it cannot be one. */
function pathOf(target) {
  try {
    const path = decodeURIComponent(new URL(target, 'http://page').pathname);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined;
  }
}

/** The file for a path. Its real place has to be inside the folder, so that neither `..` nor a link leads out. */
async function find(path, folders) {
  const prefix = Object.keys(folders).sort((a, b) => b.length - a.length).find((one) => path.startsWith(one));
  if (!prefix) return undefined;
  try {
    const folder = await realpath(folders[prefix]);
    let file = await realpath(join(folder, path.slice(prefix.length)));
    if ((await stat(file)).isDirectory()) file = await realpath(join(file, 'index.html'));
    if (!file.startsWith(folder + sep)) return undefined;
    return { path: file, size: (await stat(file)).size };
  } catch {
    return undefined;
  }
}
