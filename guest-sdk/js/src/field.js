// A named column beside the line: values extracted by earlier stages, or Loki structured metadata.
//
// Not every row has a value. The bitmap of those that have stays empty as long as all have, which is the usual case.

import { TextColumn, TextEdit } from "./text.js";

const ALL = new Uint8Array(0);

/** A named column; a row has a value or has none. Not to be changed; build a new one. */
export class Field {
  /**
   * @param {string} name
   * @param {TextColumn} values Of a row without a value: an empty text.
   * @param {Uint8Array} present A bit a row, least significant first; empty when every row has a value.
   */
  constructor(name, values, present = ALL) {
    this.name = name;
    this.values = values;
    this.present = present;
    this.length = values.length;
  }

  /**
   * A column of these values; `undefined` and `null` are rows without one.
   * @param {string} name
   * @param {Iterable<string | null | undefined>} values
   */
  static from(name, values) {
    const given = Array.isArray(values) ? values : Array.from(values);
    const texts = new Array(given.length);
    const present = new Uint8Array((given.length + 7) >> 3);
    let full = true;
    for (let row = 0; row < given.length; row++) {
      const value = given[row];
      if (value === undefined || value === null) {
        texts[row] = "";
        full = false;
      } else {
        texts[row] = value;
        present[row >> 3] |= 1 << (row & 7);
      }
    }
    return new Field(name, TextColumn.from(texts), full ? ALL : present);
  }

  /**
   * Whether row `row` has a value.
   * @param {number} row
   */
  has(row) {
    return this.present.length === 0 || (this.present[row >> 3] & (1 << (row & 7))) !== 0;
  }

  /**
   * The value of row `row`, or undefined.
   * @param {number} row
   */
  get(row) {
    return this.has(row) ? this.values.get(row) : undefined;
  }

  /** @returns {Generator<string | undefined, void, undefined>} */
  *[Symbol.iterator]() {
    for (let row = 0; row < this.length; row++) yield this.get(row);
  }

  /** @param {number[]} rows */
  pick(rows) {
    let present = ALL;
    if (this.present.length !== 0) {
      present = new Uint8Array((rows.length + 7) >> 3);
      for (let i = 0; i < rows.length; i++) if (this.has(rows[i])) present[i >> 3] |= 1 << (i & 7);
    }
    return new Field(this.name, this.values.pick(rows), present);
  }
}

/** A new version of a field that differs in some rows; the others keep what they had. */
export class FieldEdit {
  /**
   * @param {string} name
   * @param {Field | undefined} original
   * @param {number} rows
   */
  constructor(name, original, rows) {
    this.name = name;
    this.original = original;
    this.rows = rows;
    /** @type {(string | null | undefined)[]} By row: its new value, null for none, undefined for as it was. */
    this.values = new Array(rows);
  }

  finish() {
    const { name, original, rows, values } = this;
    const edit = new TextEdit(original === undefined ? TextColumn.blank(rows) : original.values);
    const present = new Uint8Array((rows + 7) >> 3);
    let full = true;
    for (let row = 0; row < rows; row++) {
      const value = values[row];
      if (value !== undefined) edit.texts[row] = value ?? "";
      if (value === undefined ? original !== undefined && original.has(row) : value !== null) {
        present[row >> 3] |= 1 << (row & 7);
      } else {
        full = false;
      }
    }
    return new Field(name, edit.finish(), full ? ALL : present);
  }
}
