// Terminal output: colour where it is wanted, steps with their time, tables. Progress goes to stderr and results to
// stdout, so that a result can be piped while the progress stays visible.

import { stripVTControlCharacters } from 'node:util';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 };

/** Painters for a stream: `paint.green('yes')`. They paint nothing where the stream is no terminal or NO_COLOR is set. */
export function painter(stream) {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const on = NO_COLOR ? false : FORCE_COLOR && FORCE_COLOR !== '0' ? true : stream.isTTY && TERM !== 'dumb';
  return Object.fromEntries(
    Object.entries(CODES).map(([name, code]) => [name, (text) => (on ? `\x1b[${code}m${text}\x1b[0m` : `${text}`)]),
  );
}

export const out = painter(process.stdout);
export const err = painter(process.stderr);

/** 87 ms, 1.4 s, 2 min 05 s */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** 48,213 */
export const count = (n) => n.toLocaleString('en-US');

/** The length of a text as shown, without its colour codes. */
export const width = (text) => stripVTControlCharacters(text).length;

export const padEnd = (text, to) => text + ' '.repeat(Math.max(0, to - width(text)));
export const padStart = (text, to) => ' '.repeat(Math.max(0, to - width(text))) + text;

/** Rows of texts as aligned columns; `align` has one letter a column, `l` or `r`. */
export function table(rows, align) {
  const widths = [...align].map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
  return rows
    .map((row) =>
      row.map((cell, i) => (align[i] === 'r' ? padStart(cell, widths[i]) : padEnd(cell, widths[i]))).join('  ').trimEnd(),
    )
    .join('\n');
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/**
 * Runs `work(report)` as one visible step, and leaves a line with its time. What `work` returns comes back; a text
 * returned as `{ note }` is shown behind the title.
 */
export async function step(title, work) {
  const started = performance.now();
  try {
    const result = await working(title, work);
    const note = result?.note ? ` ${err.dim(result.note)}` : '';
    process.stderr.write(`  ${err.green('✓')} ${padEnd(title + note, 60)} ${err.dim(duration(performance.now() - started))}\n`);
    return result;
  } catch (error) {
    process.stderr.write(`  ${err.red('✗')} ${title}\n`);
    throw error;
  }
}

/**
 * Runs `work(report)` under a spinner that shows what `report` last said, and leaves nothing behind. Where there is no
 * terminal a long run says that it is running, so that a log never looks hung.
 */
export async function working(title, work) {
  const { stderr } = process;
  let detail = '';
  let frame = 0;
  const draw = () => {
    const room = Math.max(0, (stderr.columns || 80) - width(title) - 6);
    const shown = detail.length > room ? `${detail.slice(0, Math.max(0, room - 1))}…` : detail;
    stderr.write(`\r\x1b[K  ${err.cyan(FRAMES[frame++ % FRAMES.length])} ${title} ${err.dim(shown)}`);
  };
  const timer = stderr.isTTY ? setInterval(draw, 90) : setTimeout(() => stderr.write(`  … ${title}\n`), 3000);
  try {
    return await work((text) => { detail = stripVTControlCharacters(text); });
  } finally {
    clearInterval(timer);
    if (stderr.isTTY) stderr.write('\r\x1b[K');
  }
}

/** A line about something that is not a failure: skipped, missing, worth knowing. */
export function notice(text) {
  process.stderr.write(`  ${err.yellow('!')} ${text}\n`);
}
