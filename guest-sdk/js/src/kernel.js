// What the host does on whole columns for a stage: patterns and JSON pointers, run natively.
//
// A stage compiles them in its constructor (`setup.pattern`, `setup.pointers`) and runs them in `process` (`batch.extract`, …). No row
// of the column crosses into the sandbox unless it is asked for, so the column needs no declaration.

import { handleOf, host } from "./host.js";

/** @typedef {import("../index.js").contract.Column} Column */

/** The lines. @type {Column} */
export const LINES = Object.freeze({ tag: "lines" });

/** The columns beside them. */
export const column = {
  /** @param {string} name @returns {Column} */
  field: (name) => ({ tag: "field", val: name }),
  /** @param {string} name @returns {Column} */
  metadata: (name) => ({ tag: "metadata", val: name }),
};

/** A compiled pattern. */
export class Pattern {
  /** @param {string} expression */
  constructor(expression) {
    this.handle = handleOf(() => host.pattern(expression));
  }
}

/** Compiled JSON pointers. */
export class Pointers {
  /** @param {Record<string, string>} named */
  constructor(named) {
    this.handle = handleOf(() => host.pointers(Object.entries(named)));
  }
}

/** Some rows of a batch. */
export class Rows {
  /**
   * @param {Uint8Array} bits Row `i` at bit `i % 8` of byte `i / 8`.
   * @param {number} count How many rows the batch has.
   */
  constructor(bits, count) {
    this.bits = bits;
    this.count = count;
  }

  /** @param {number} row */
  has(row) {
    return row < this.count && (this.bits[row >> 3] & (1 << (row & 7))) !== 0;
  }

  get size() {
    let size = 0;
    for (const _ of this) size++;
    return size;
  }

  /** @returns {Generator<number, void, undefined>} */
  *[Symbol.iterator]() {
    const { bits, count } = this;
    for (let place = 0; place < bits.length; place++) {
      for (let byte = bits[place]; byte !== 0; byte &= byte - 1) {
        const row = place * 8 + 31 - Math.clz32(byte & -byte);
        if (row < count) yield row;
      }
    }
  }

  /** @param {Rows} other */
  union(other) {
    return new Rows(this.bits.map((byte, place) => byte | other.bits[place]), this.count);
  }

  /** @param {Rows} other */
  intersection(other) {
    return new Rows(this.bits.map((byte, place) => byte & other.bits[place]), this.count);
  }

  /** @param {Rows} other */
  difference(other) {
    return new Rows(this.bits.map((byte, place) => byte & ~other.bits[place]), this.count);
  }

  /** The other rows of the batch. */
  complement() {
    const bits = this.bits.map((byte) => ~byte & 255);
    const rest = this.count & 7;
    if (rest !== 0) bits[bits.length - 1] &= (1 << rest) - 1;
    return new Rows(bits, this.count);
  }
}
