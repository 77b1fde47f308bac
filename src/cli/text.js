// Files that people write, in the encodings that their editors and shells write them in.
import { readFileSync } from 'node:fs';

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
