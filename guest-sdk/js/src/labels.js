// Label sets: what the streams of a batch are called, and label changes row by row.
//
// A set crosses once per batch and rows point at it, so work on labels is work on a handful of sets. A row stands
// on a set; changing a label moves it to another. Each step (set, name, value) is taken once and remembered.

import { TextColumn } from "./text.js";

/**
 * Code points ascending, as the contract sorts names (UTF-16 units would put an emoji before U+FFFD).
 * @param {string} a
 * @param {string} b
 */
function byCodePoint(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/** @param {number} unit */
function isSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** The label sets of a batch: `get(i)` is a Map from name to value, sorted by name. */
export class LabelSets {
  /** @param {{ ends: Uint32Array, names: { bytes: Uint8Array, ends: Uint32Array }, values: { bytes: Uint8Array, ends: Uint32Array } }} raw */
  constructor(raw) {
    this.ends = raw.ends;
    this.names = new TextColumn(raw.names.bytes, raw.names.ends);
    this.values = new TextColumn(raw.values.bytes, raw.values.ends);
    this.length = raw.ends.length;
    /** @type {(Map<string, string> | undefined)[]} */
    this.decoded = [];
  }

  /**
   * Label sets of one's own.
   * @param {Iterable<ReadonlyMap<string, string> | Record<string, string>>} sets
   */
  static from(sets) {
    /** @type {string[]} */
    const names = [];
    /** @type {string[]} */
    const values = [];
    const ends = [];
    for (const set of sets) {
      const map = set instanceof Map ? set : new Map(Object.entries(set));
      for (const name of [...map.keys()].sort(byCodePoint)) {
        names.push(name);
        values.push(/** @type {string} */ (map.get(name)));
      }
      ends.push(names.length);
    }
    return new LabelSets({
      ends: Uint32Array.from(ends),
      names: TextColumn.from(names),
      values: TextColumn.from(values),
    });
  }

  /**
   * Set `index`. A copy may be changed, the answer may not.
   * @param {number} index
   * @returns {ReadonlyMap<string, string>}
   */
  get(index) {
    let set = this.decoded[index];
    if (set === undefined) {
      if (!(index >= 0 && index < this.length)) throw new RangeError(`set ${index} of ${this.length} label sets`);
      set = new Map();
      const end = this.ends[index];
      for (let i = index === 0 ? 0 : this.ends[index - 1]; i < end; i++) set.set(this.names.get(i), this.values.get(i));
      this.decoded[index] = set;
    }
    return set;
  }

  /** @returns {Generator<ReadonlyMap<string, string>, void, undefined>} */
  *[Symbol.iterator]() {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }
}

/** Changes the labels of rows; new label sets are made once per distinct change. */
export class LabelEdit {
  /**
   * @param {Uint32Array} streams
   * @param {LabelSets} labels
   */
  constructor(streams, labels) {
    this.streams = streams.slice();
    /** @type {ReadonlyMap<string, string>[]} */
    this.sets = [...labels];
    /** @type {Map<string, Map<string | null, number>>[]} By set: by name changed: by value (null: removed), where it leads. */
    this.steps = [];
    /** The step taken last: most rows take the one that the row before took. */
    this.last = { from: -1, name: "", value: /** @type {string | null} */ (null), to: 0 };
  }

  /**
   * @param {number} row
   * @param {string} name
   * @param {string | null} value null removes
   */
  change(row, name, value) {
    const from = this.streams[row];
    const { last } = this;
    if (last.from === from && last.value === value && last.name === name) {
      this.streams[row] = last.to;
      return;
    }
    const names = (this.steps[from] ??= new Map());
    let values = names.get(name);
    if (values === undefined) names.set(name, (values = new Map()));
    let to = values.get(value);
    if (to === undefined) {
      to = this.step(from, name, value);
      values.set(value, to);
    }
    last.from = from;
    last.name = name;
    last.value = value;
    last.to = to;
    this.streams[row] = to;
  }

  /**
   * @param {number} from
   * @param {string} name
   * @param {string | null} value
   */
  step(from, name, value) {
    const set = this.sets[from];
    if ((set.get(name) ?? null) === value) return from;
    const changed = new Map(set);
    if (value === null) changed.delete(name);
    else changed.set(name, value);
    return this.sets.push(changed) - 1;
  }

  /**
   * The rows' sets, and those sets that a row in `rows` (all, if undefined) stands on.
   * @param {number[] | undefined} rows
   */
  finish(rows) {
    const count = rows === undefined ? this.streams.length : rows.length;
    const streams = new Uint32Array(count);
    /** @type {number[]} */
    const places = [];
    const used = [];
    for (let i = 0; i < count; i++) {
      const set = this.streams[rows === undefined ? i : rows[i]];
      let place = places[set];
      if (place === undefined) {
        place = used.push(this.sets[set]) - 1;
        places[set] = place;
      }
      streams[i] = place;
    }
    return { streams, labels: LabelSets.from(used) };
  }
}

/**
 * Whether Prometheus and Loki accept `name` as the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`.
 * @param {string} name
 */
export function isLabelName(name) {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}
