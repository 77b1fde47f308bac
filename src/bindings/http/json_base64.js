// Texts and JSON in base64, as headers carry them.

function base64(text) {
  let letters = '';
  for (const byte of new TextEncoder().encode(text)) letters += String.fromCharCode(byte);
  return btoa(letters);
}

/** The JSON of a value in padded standard base64. */
export const toBase64 = (value) => base64(JSON.stringify(value));

/** A text in UTF-8, in base64url without padding. */
export const toBase64Url = (text) => base64(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** JSON in base64 of either alphabet; undefined for anything else. */
export function fromBase64(text) {
  try {
    const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
    const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
