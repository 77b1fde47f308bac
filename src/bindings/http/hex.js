/** Bytes in hexadecimal. */
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** 128 random bits, in hexadecimal. */
export const randomHex = () => hex(crypto.getRandomValues(new Uint8Array(16)));
