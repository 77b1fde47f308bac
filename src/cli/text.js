// Reads files in the encodings that editors and shells write, and numbers.
import { readFileSync } from 'node:fs';
import { UsageError } from './usage-error.js';

/** A file as text: UTF-8, or UTF-16 with the mark that it begins with, as PowerShell's `>` writes it. The mark is no part of it. */
export function readText(path) {
  const bytes = readFileSync(path);
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is no text in UTF-8; save it in that encoding');
  }
}

/** The JSON object of a file that an option names. */
export function readJson(option, path) {
  let text;
  try {
    text = readText(path);
  } catch (error) {
    throw new UsageError(`${option}: ${path} cannot be read: ${error.message}`);
  }
  // Without its mark, UTF-16 reads as UTF-8 with a NUL beside each letter.
  if (text.includes('\0')) throw new UsageError(`${option}: ${path} is no text in UTF-8; save it in that encoding`);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${option}: ${path} is not JSON: ${error.message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UsageError(`${option}: ${path} is no JSON object`);
  return value;
}

/** The number of a port, which `--port` says. */
export function portOf(text) {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new UsageError(`--port wants a port number (0 to 65535), not ${JSON.stringify(text)}`);
  return port;
}
