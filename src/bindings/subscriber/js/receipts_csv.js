// The books as lines of CSV, by RFC 4180.

function cell(value = '') {
  const text = value instanceof Date ? value.toISOString() : String(value);
  // A spreadsheet takes a text that begins like this for a formula; a seller chose the URL.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A line for each receipt, with the columns of the head. */
export const lines = (receipts, head) => receipts.map((receipt) => `${head.split(',').map((column) => cell(receipt[column])).join(',')}\r\n`).join('');
