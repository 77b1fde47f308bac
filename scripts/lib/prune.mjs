// Takes out of a wasm what only the words of a panic need. The npm package prints none: a panic is a trap there, at the same place and with the
// same stack. The functions that would put the words together become the trap itself; what nothing leads to any more, functions and
// data, becomes empty, and wasm-opt leaves it out. Which data a function leads to the linker says (`--emit-relocs`).

/** Never return, and before they end the program only say why. */
const PANICS = new RegExp([
  '4core9panicking', '3std9panicking\\d+begin_panic', '5alloc7raw_vec(17capacity_overflow|12handle_error)', '5alloc5alloc18handle_alloc_error',
  '4core6option(13expect_failed|13unwrap_failed)', '4core6result13unwrap_failed', '4core4cell\\d+panic_already_', '4core5slice5index\\w*_fail',
  '4core5slice[\\w$.]+len_mismatch_fail', '4core3str\\d+slice_error_fail', '3std6thread5local18panic_access_error', '5alloc3vec[\\w$.]+13assert_failed',
].join('|'));

/** Say how a value looks for developers. The package prints nothing like that, so they stand in tables that only a panic reads. */
const DEBUG = /3fmt5Debug3fmt|\.\.fmt\.\.Debug\$GT\$3fmt/;

/** Relocation types by the numbers of the tool conventions: references to a function, and to data. The rest refer to
 * types, globals and the like. */
const TO_FUNCTION = new Set([0, 1, 2, 8, 12, 13, 26]);
const TO_DATA = new Set([3, 4, 5, 11, 21, 23]);
const WITH_ADDEND = new Set([3, 4, 5, 8, 9, 11, 21, 22, 23]);

const CUSTOM = 0;
const [IMPORTS, EXPORTS, START, CODE, DATA] = [2, 7, 8, 10, 11];

/** The wasm without them. */
export function prune(wasm) {
  const { sections, functions, segments, symbols, relocations, roots, imports } = read(wasm);
  const aliveFunctions = new Set();
  const aliveData = new Set();
  const names = new Map(symbols.filter(({ kind }) => kind === 0).map(({ index, name }) => [index, name]));
  const gone = (index) => PANICS.test(names.get(index) ?? '') || DEBUG.test(names.get(index) ?? '');

  const inside = (list, start, end) => list.slice(lower(list, start), lower(list, end));
  const range = ({ segment, offset, size }) => [segments[segment].start + offset, segments[segment].start + offset + size];
  const isPath = (one) => one.segment !== undefined && /\.rs\0?$/.test(wasm.toString('latin1', ...range(one)));
  const reach = [...roots.map((index) => ({ kind: 0, index })), ...symbols.filter(({ kind, kept }) => kind === 1 && kept)];
  while (reach.length > 0) {
    const one = reach.pop();
    let leads = [];
    if (one.kind === 0) {
      if (aliveFunctions.has(one.index)) continue;
      aliveFunctions.add(one.index);
      if (one.index < imports || gone(one.index)) continue;
      const { start, end } = functions[one.index - imports];
      leads = inside(relocations.code, start, end);
      const shown = leads.map(({ symbol }) => symbols[symbol]).find(({ kind, index }) => kind === 0 && DEBUG.test(names.get(index) ?? ''));
      if (shown) throw new Error(`${names.get(one.index)} prints with {:?}, which is left out: ${names.get(shown.index)}`);
    } else {
      if (aliveData.has(one)) continue;
      aliveData.add(one);
      if (one.segment === undefined) continue;
      const [start, end] = range(one);
      leads = inside(relocations.data, start, end);
      // The place of a panic in a source file: its path, and where in it.
      if (one.size === 16 && leads.length === 1 && leads[0].offset === start && isPath(symbols[leads[0].symbol])) {
        aliveData.delete(one);
        continue;
      }
    }
    for (const { type, symbol } of leads) {
      if (TO_FUNCTION.has(type) || TO_DATA.has(type)) reach.push(symbols[symbol]);
    }
  }

  // Data that no symbol names stays.
  const bytes = Buffer.from(wasm);
  const placed = symbols.filter(({ kind, segment }) => kind === 1 && segment !== undefined);
  for (const one of placed.filter((symbol) => !aliveData.has(symbol))) bytes.fill(0, ...range(one));
  for (const one of aliveData) if (one.segment !== undefined) wasm.copy(bytes, range(one)[0], ...range(one));

  const trap = Buffer.from([3, 0, 0x00, 0x0b]);
  const code = [leb(functions.length), ...functions.map(({ from, end }, at) => {
    const index = at + imports;
    return aliveFunctions.has(index) && !gone(index) ? bytes.subarray(from, end) : trap;
  })];
  const written = sections.filter(({ name = '' }) => name !== 'linking' && !name.startsWith('reloc.')).flatMap(({ id, start, end }) => {
    const body = id === CODE ? Buffer.concat(code) : bytes.subarray(start, end);
    return [Buffer.from([id]), leb(body.length), body];
  });
  return Buffer.concat([bytes.subarray(0, 8), ...written]);
}

/** Where in a list that is sorted by `offset` the first is that is not before. */
function lower(list, offset) {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (list[middle].offset < offset) from = middle + 1;
    else to = middle;
  }
  return from;
}

function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}

/** The sections of a wasm file. */
function read(wasm) {
  let at = 8;
  const byte = () => wasm[at++];
  const number = () => {
    let [value, shift] = [0, 0];
    for (;;) {
      const one = byte();
      value += (one & 127) * 2 ** shift;
      shift += 7;
      if (one < 128) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return wasm.toString('utf8', at - length, at);
  };
  const limits = () => {
    const flags = byte();
    number();
    if (flags & 1) number();
  };
  /** A list, its length first. */
  const each = (read) => Array.from({ length: number() }, (_, index) => read(index));

  const sections = [];
  const found = { sections, functions: [], segments: [], symbols: [], relocations: { code: [], data: [] }, roots: [], imports: 0 };
  while (at < wasm.length) {
    const id = byte();
    const end = number() + at;
    const start = at;
    const name = id === CUSTOM ? text() : undefined;
    sections.push({ id, start, end, name });
    if (id === IMPORTS) {
      each(() => {
        text();
        text();
        const kind = byte();
        if (kind === 0) {
          number();
          found.imports += 1;
        } else if (kind === 1) {
          byte();
          limits();
        } else if (kind === 2) limits();
        else if (kind === 3) at += 2;
        else throw new Error(`an import of kind ${kind}`);
      });
    } else if (id === EXPORTS) {
      each(() => {
        text();
        const [kind, index] = [byte(), number()];
        if (kind === 0) found.roots.push(index);
      });
    } else if (id === START) {
      found.roots.push(number());
    } else if (id === CODE) {
      found.code = start;
      found.functions = each(() => {
        const from = at;
        const length = number();
        at += length;
        return { from, start: at - length, end: at };
      });
    } else if (id === DATA) {
      found.data = start;
      found.segments = each(() => {
        const flags = number();
        if (flags === 2) number();
        // The place of an active one: a constant, or a global.
        if (flags !== 1) {
          byte();
          number();
          byte();
        }
        const length = number();
        at += length;
        return { start: at - length };
      });
    } else if (name === 'linking') {
      number();
      while (at < end) {
        const type = byte();
        const stop = number() + at;
        if (type === 8) found.symbols = each(symbol);
        at = stop;
      }
    } else if (name === 'reloc.CODE' || name === 'reloc.DATA') {
      const code = name === 'reloc.CODE';
      number();
      const base = code ? found.code : found.data;
      const list = each(() => {
        const type = byte();
        const one = { type, offset: number() + base, symbol: number() };
        if (WITH_ADDEND.has(type)) number();
        return one;
      });
      found.relocations[code ? 'code' : 'data'] = list.sort((one, other) => one.offset - other.offset);
    }
    at = end;
  }
  if (found.symbols.length === 0) throw new Error('the linker left no symbols: link with --emit-relocs');
  return found;

  function symbol() {
    const [kind, flags] = [byte(), number()];
    const [isUndefined, hasName, kept] = [flags & 0x10, flags & 0x40, Boolean(flags & 0xa0)];
    if (kind === 1) {
      const one = { kind, kept, name: text() };
      return isUndefined ? one : { ...one, segment: number(), offset: number(), size: number() };
    }
    if (kind === 3) return { kind, index: number() };
    const index = number();
    return { kind, index, name: !isUndefined || hasName ? text() : undefined };
  }
}
