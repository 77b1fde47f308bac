// JSON in base64, as x402's headers carry it.

/** The JSON of a value in padded standard base64. */
export function toBase64(value) {
  let text = '';
  for (const byte of new TextEncoder().encode(JSON.stringify(value))) text += String.fromCharCode(byte);
  return btoa(text);
}

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
