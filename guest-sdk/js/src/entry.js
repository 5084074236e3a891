// One row of a batch.

import { decoder } from "./text.js";

/** One entry. What is set on it is what it reads from then on; it takes effect when the call returns. */
export class Entry {
  /**
   * @param {import("./batch.js").Batch} batch
   * @param {number} row
   */
  constructor(batch, row) {
    this.batch = batch;
    this.row = row;
  }

  /** The row's id: unique at this stage, ascending. */
  get id() {
    return this.batch.id(this.row);
  }

  /** The text. Needs `setup.readsLines()`. */
  get line() {
    // By hand, step by step: the engine interprets, and this is the hottest line of most stages.
    const batch = this.batch;
    const row = this.row;
    const changed = batch.newLines;
    if (changed !== undefined && changed[row] !== undefined) return /** @type {string} */ (changed[row]);
    const column = batch.lineColumn ?? batch.lines;
    const ends = column.ends;
    return decoder.decode(column.bytes.subarray(row === 0 ? 0 : ends[row - 1], ends[row]));
  }

  set line(line) {
    this.batch.setLine(this.row, line);
  }

  /** Nanoseconds since the epoch. Needs `setup.readsTimestamps()`. */
  get timestamp() {
    return this.batch.timestamp(this.row);
  }

  set timestamp(timestamp) {
    this.batch.setTimestamp(this.row, timestamp);
  }

  /**
   * The label `name`, or undefined. Needs `setup.readsLabels()`.
   * @param {string} name
   */
  label(name) {
    return this.batch.label(this.row, name);
  }

  /**
   * Sets a label. Needs `setup.readsLabels()`. Cheap where values repeat.
   * @param {string} name
   * @param {string} value
   */
  setLabel(name, value) {
    if (typeof value !== "string") throw new TypeError(`the label \`${name}\` must be a string, got ${typeof value}`);
    (this.batch.newLabels ?? this.batch.changes.labelEdit).change(this.row, name, value);
  }

  /**
   * Removes a label. Needs `setup.readsLabels()`.
   * @param {string} name
   */
  removeLabel(name) {
    this.batch.changes.labelEdit.change(this.row, name, null);
  }

  /**
   * The field `name`, or undefined. Needs `setup.readsField(name)`.
   * @param {string} name
   */
  field(name) {
    return this.batch.fieldOf(this.row, name);
  }

  /**
   * Sets a field. Needs `setup.readsField(name)`: the other rows keep theirs.
   * @param {string} name
   * @param {string} value
   */
  setField(name, value) {
    this.batch.setField(this.row, name, value);
  }

  /**
   * Takes a field's value away. Needs `setup.readsField(name)`.
   * @param {string} name
   */
  unsetField(name) {
    this.batch.setField(this.row, name, null);
  }

  /**
   * The structured metadata `name`, or undefined. Needs `setup.readsMetadata(name)`.
   * @param {string} name
   */
  metadata(name) {
    return this.batch.metadataOf(this.row, name);
  }

  /**
   * Sets structured metadata. Needs `setup.readsMetadata(name)`.
   * @param {string} name
   * @param {string} value
   */
  setMetadata(name, value) {
    this.batch.setMetadata(this.row, name, value);
  }

  /**
   * Removes structured metadata. Needs `setup.readsMetadata(name)`.
   * @param {string} name
   */
  unsetMetadata(name) {
    this.batch.setMetadata(this.row, name, null);
  }

  /**
   * Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing.
   * @param {string} reason
   */
  drop(reason) {
    this.batch.drop(this.row, reason);
  }
}
