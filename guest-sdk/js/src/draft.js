// The changes made to single entries during a call, gathered into columns.
//
// A column that no entry touched costs nothing. Changed columns are built once, in row order, by copying the
// untouched stretches whole; dropped rows are taken out at the end.

import { FieldEdit } from "./field.js";
import { LabelEdit } from "./labels.js";
import { Failure } from "./outcome.js";
import { TextEdit } from "./text.js";

/** What entries were told so far. */
export class Draft {
  /** @param {import("./batch.js").Batch} batch */
  constructor(batch) {
    this.batch = batch;
    /** @type {TextEdit | undefined} */
    this.lines = undefined;
    /** @type {BigInt64Array | undefined} */
    this.timestamps = undefined;
    /** @type {LabelEdit | undefined} */
    this.labels = undefined;
    /** @type {Map<string, FieldEdit> | undefined} */
    this.fields = undefined;
    /** @type {Map<string, FieldEdit> | undefined} */
    this.metadata = undefined;
    /** @type {Uint8Array | undefined} By row, whether it was dropped. */
    this.dropped = undefined;
    /** @type {Map<string, number>} */
    this.drops = new Map();
  }

  /**
   * @param {number} row
   * @param {string} line
   */
  setLine(row, line) {
    if (typeof line !== "string") throw new TypeError(`a line must be a string, got ${typeof line}`);
    if (this.lines === undefined) {
      this.lines = new TextEdit(this.batch.lines);
      this.batch.newLines = this.lines.texts;
    }
    this.lines.texts[row] = line;
  }

  /**
   * @param {number} row
   * @param {bigint} timestamp
   */
  setTimestamp(row, timestamp) {
    if (typeof timestamp !== "bigint") {
      throw new TypeError(`a timestamp must be a bigint of nanoseconds, got ${typeof timestamp}`);
    }
    (this.timestamps ??= this.batch.timestamps.slice())[row] = timestamp;
  }

  /** Where the labels of rows are changed. */
  get labelEdit() {
    this.labels ??= new LabelEdit(this.batch.streams, this.batch.labels);
    this.batch.newLabels = this.labels;
    return this.labels;
  }

  /**
   * @param {"fields" | "metadata"} kind
   * @param {import("./field.js").Field | undefined} original
   * @param {number} row
   * @param {string} name
   * @param {string | null} value
   */
  setField(kind, original, row, name, value) {
    if (value !== null && typeof value !== "string") {
      throw new TypeError(`\`${name}\` must be a string, got ${typeof value}`);
    }
    const edits = (this[kind] ??= new Map());
    let edit = edits.get(name);
    if (edit === undefined) edits.set(name, (edit = new FieldEdit(name, original, this.batch.length)));
    edit.values[row] = value;
  }

  /**
   * @param {number} row
   * @param {string} reason
   */
  drop(row, reason) {
    const dropped = (this.dropped ??= new Uint8Array(this.batch.length));
    if (dropped[row] === 1) return;
    dropped[row] = 1;
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
  }

  /**
   * Turns the changes into columns of `out`.
   * @param {import("./output.js").Output} out
   */
  finish(out) {
    if (out.origins !== undefined) throw new Failure("the stage changes single entries and sets origins in one call");
    if (this.lines !== undefined) {
      once(out.lines, "lines");
      out.lines = this.lines.finish();
    }
    if (this.timestamps !== undefined) {
      once(out.timestamps, "timestamps");
      out.timestamps = this.timestamps;
    }
    if (this.fields !== undefined) finishFields(this.fields, out.fields);
    if (this.metadata !== undefined) finishFields(this.metadata, out.metadata);
    const kept = this.dropped === undefined ? undefined : keptRows(this.dropped);
    if (kept !== undefined) takeOut(out, this.batch.firstId, kept);
    if (this.labels !== undefined) {
      once(out.labels ?? out.streams, "labels");
      const { streams, labels } = this.labels.finish(kept);
      out.streams = streams;
      out.labels = labels;
    }
    this.drops.forEach((count, reason) => out.countDrops(reason, count));
  }
}

/**
 * @param {unknown} set
 * @param {string} column
 */
function once(set, column) {
  if (set !== undefined) {
    throw new Failure(`the stage sets ${column} both as a whole column and on single entries`);
  }
}

/**
 * @param {Map<string, FieldEdit>} edits
 * @param {import("./field.js").Field[]} fields
 */
function finishFields(edits, fields) {
  edits.forEach((edit, name) => {
    once(fields.find((field) => field.name === name), `\`${name}\``);
    fields.push(edit.finish());
  });
}

/** @param {Uint8Array} dropped */
function keptRows(dropped) {
  const kept = [];
  for (let row = 0; row < dropped.length; row++) if (dropped[row] === 0) kept.push(row);
  return kept;
}

/**
 * Reduces every set column to the rows that are kept, and names them as origins.
 * @param {import("./output.js").Output} out
 * @param {bigint} firstId
 * @param {number[]} kept
 */
function takeOut(out, firstId, kept) {
  const origins = new BigUint64Array(kept.length);
  for (let i = 0; i < kept.length; i++) origins[i] = firstId + BigInt(kept[i]);
  out.origins = origins;
  out.lines = out.lines?.pick(kept);
  out.fields = out.fields.map((field) => field.pick(kept));
  out.metadata = out.metadata.map((field) => field.pick(kept));
  const { timestamps, streams } = out;
  if (timestamps !== undefined) out.timestamps = BigInt64Array.from(kept, (row) => timestamps[row]);
  if (streams !== undefined) out.streams = Uint32Array.from(kept, (row) => streams[row]);
}
