// Text values laid end to end, and the rewriting of some of them.
//
// Bytes are UTF-8, so a place in a JavaScript string is a place in the bytes only where every character is ASCII;
// code that relies on it compares the two lengths first. The engine in the sandbox interprets: a call into native
// code (decode, encode, a regex over the whole column) costs as much as a handful of steps of a loop, so whatever
// can be is done once per column and never once per byte.

/** Of UTF-8, byte order marks included: they are text like any other. */
export const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** A column of texts: value `i` is `bytes[ends[i - 1]..ends[i]]`. Not to be changed; build a new one. */
export class TextColumn {
  /**
   * @param {Uint8Array} bytes
   * @param {Uint32Array} ends
   */
  constructor(bytes, ends) {
    this.bytes = bytes;
    this.ends = ends;
    this.length = ends.length;
    /** @type {string | undefined} */
    this.whole = undefined;
  }

  /**
   * A column of these values.
   * @param {Iterable<string>} values
   */
  static from(values) {
    const texts = Array.isArray(values) ? values : Array.from(values);
    const joined = texts.join("");
    const bytes = new Uint8Array(joined.length);
    const { read, written } = encoder.encodeInto(joined, bytes);
    // Each text by itself: half a surrogate pair must not meet its other half in the next text.
    if (read !== joined.length || written !== joined.length) return piecewise(texts);
    const count = texts.length;
    const ends = new Uint32Array(count);
    let end = 0;
    for (let i = 0; i < count; i++) {
      end += texts[i].length;
      ends[i] = end;
    }
    return new TextColumn(bytes, ends);
  }

  /**
   * A column of empty values.
   * @param {number} rows
   */
  static blank(rows) {
    return new TextColumn(new Uint8Array(0), new Uint32Array(rows));
  }

  /**
   * Value `row`.
   * @param {number} row
   */
  get(row) {
    if (!(row >= 0 && row < this.length)) throw new RangeError(`row ${row} of a column of ${this.length} rows`);
    const ends = this.ends;
    const start = row === 0 ? 0 : ends[row - 1];
    const end = ends[row];
    return start === end ? "" : decoder.decode(this.bytes.subarray(start, end));
  }

  /** All values end to end, decoded once. */
  get text() {
    return (this.whole ??= decoder.decode(this.bytes));
  }

  /** Whether every character is one byte: then a place in `text` is a place in `bytes`. */
  get isAscii() {
    return this.text.length === this.bytes.length;
  }

  /** @returns {Generator<string, void, undefined>} */
  *[Symbol.iterator]() {
    for (let row = 0; row < this.length; row++) yield this.get(row);
  }

  /**
   * The rows in which `pattern` matches, ascending, found by running over the whole column instead of testing line
   * by line. The pattern must not look beyond its match, where the neighbouring row lies: no `^ $ \b \B`, no
   * look-around, not sticky.
   * @param {RegExp} pattern
   * @returns {Generator<number, void, undefined>}
   */
  *rowsMatching(pattern) {
    const { scan, exact } = scannerOf(pattern);
    if (!this.isAscii || exact.test("")) {
      for (let row = 0; row < this.length; row++) if (exact.test(this.get(row))) yield row;
      return;
    }
    const { text, ends } = this;
    let row = 0;
    let from = 0;
    for (;;) {
      scan.lastIndex = from;
      const hit = scan.exec(text);
      if (hit === null) return;
      row = rowAt(ends, row, hit.index);
      from = ends[row];
      // A match that reaches into the next row is none, but there may be another in this one.
      if (hit.index + hit[0].length <= from || exact.test(this.get(row))) yield row;
      row++;
    }
  }

  /**
   * Only the rows in `rows`.
   * @param {number[]} rows
   */
  pick(rows) {
    const picked = new Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      picked[i] = this.bytes.subarray(row === 0 ? 0 : this.ends[row - 1], this.ends[row]);
    }
    return concatenated(picked);
  }
}

/** @param {string[]} texts */
function piecewise(texts) {
  const pieces = new Array(texts.length);
  for (let i = 0; i < texts.length; i++) pieces[i] = encoder.encode(texts[i]);
  return concatenated(pieces);
}

/** @param {Uint8Array[]} pieces */
function concatenated(pieces) {
  const ends = new Uint32Array(pieces.length);
  let length = 0;
  for (let i = 0; i < pieces.length; i++) {
    length += pieces[i].length;
    ends[i] = length;
  }
  const bytes = new Uint8Array(length);
  for (let i = 0; i < pieces.length; i++) bytes.set(pieces[i], i === 0 ? 0 : ends[i - 1]);
  return new TextColumn(bytes, ends);
}

/**
 * The first row from `row` on that ends behind `place`, by leaps that double: hits may be next door or far away.
 * @param {Uint32Array} ends
 * @param {number} row
 * @param {number} place
 */
function rowAt(ends, row, place) {
  let leap = 1;
  while (row + leap < ends.length && ends[row + leap - 1] <= place) {
    row += leap;
    leap *= 2;
  }
  let low = row;
  let high = Math.min(row + leap, ends.length) - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @type {WeakMap<RegExp, { scan: RegExp, exact: RegExp }>} */
const scanners = new WeakMap();

/** @param {RegExp} pattern */
function scannerOf(pattern) {
  let scanner = scanners.get(pattern);
  if (scanner === undefined) {
    const plain = pattern.source.replace(/\\[^bB]/g, "").replace(/\[[^\]]*\]/g, "");
    if (pattern.sticky || /\\[bB]|[$^]|\(\?<?[=!]/.test(plain)) {
      throw new TypeError(
        `rowsMatching(${pattern}) looks beyond its match (^ $ \\b \\B, look-around or the flag y): ` +
          "match more loosely and look closer in the rows it finds",
      );
    }
    const flags = pattern.flags.replace("g", "");
    scanner = { scan: new RegExp(pattern.source, `${flags}g`), exact: new RegExp(pattern.source, flags) };
    scanners.set(pattern, scanner);
  }
  return scanner;
}

/** A new version of a column that differs in some rows: untouched stretches are copied in one piece. */
export class TextEdit {
  /** @param {TextColumn} original */
  constructor(original) {
    this.original = original;
    /** @type {(string | undefined)[]} By row, its new text. */
    this.texts = new Array(original.length);
  }

  /** The edited column. */
  finish() {
    const { original, texts } = this;
    const rows = [];
    const made = [];
    const count = texts.length;
    for (let row = 0; row < count; row++) {
      const text = texts[row];
      if (text !== undefined) {
        rows.push(row);
        made.push(text);
      }
    }
    const column = TextColumn.from(made);
    return rows.length === count ? column : woven(original, rows, column);
  }
}

/**
 * `original` with the values of `column` in place of `rows`, which ascend.
 * @param {TextColumn} original
 * @param {number[]} rows
 * @param {TextColumn} column
 */
function woven(original, rows, column) {
  const old = original.ends;
  let kept = original.bytes.length;
  let same = true;
  for (let i = 0; i < rows.length; i++) {
    const length = old[rows[i]] - (rows[i] === 0 ? 0 : old[rows[i] - 1]);
    kept -= length;
    if (length !== column.ends[i] - (i === 0 ? 0 : column.ends[i - 1])) same = false;
  }
  const bytes = new Uint8Array(kept + column.bytes.length);
  const ends = same ? old : new Uint32Array(old.length);
  let from = 0;
  let to = 0;
  let next = 0;
  for (let i = 0; i < rows.length; ) {
    // A run of neighbouring new rows is one copy.
    let last = i;
    while (last + 1 < rows.length && rows[last + 1] === rows[last] + 1) last++;
    const row = rows[i];
    const start = row === 0 ? 0 : old[row - 1];
    if (!same) for (; next < row; next++) ends[next] = old[next] - from + to;
    if (start > from) {
      bytes.set(original.bytes.subarray(from, start), to);
      to += start - from;
    }
    const first = i === 0 ? 0 : column.ends[i - 1];
    bytes.set(column.bytes.subarray(first, column.ends[last]), to);
    if (!same) for (let k = i; k <= last; k++) ends[next++] = column.ends[k] - first + to;
    to += column.ends[last] - first;
    from = old[rows[last]];
    i = last + 1;
  }
  bytes.set(original.bytes.subarray(from), to);
  if (!same) for (; next < old.length; next++) ends[next] = old[next] - from + to;
  return new TextColumn(bytes, ends);
}
