// What a call gives back, column by column.
//
// The columns are those of the output rows: the batch's rows in order, or, after `origins` is set, one row per
// origin. What is not set is inherited: from the row itself, or from its origin.

import { LabelSets } from "./labels.js";
import { TextColumn } from "./text.js";

/** The whole-column side of an edit. Setting a column needs no declaration. */
export class Output {
  constructor() {
    /** @type {BigUint64Array | undefined} */
    this.origins = undefined;
    /** @type {TextColumn | undefined} */
    this.lines = undefined;
    /** @type {BigInt64Array | undefined} */
    this.timestamps = undefined;
    /** @type {Uint32Array | undefined} */
    this.streams = undefined;
    /** @type {LabelSets | undefined} */
    this.labels = undefined;
    /** @type {import("./field.js").Field[]} */
    this.fields = [];
    /** @type {import("./field.js").Field[]} */
    this.metadata = [];
    /** @type {Map<string, number>} */
    this.drops = new Map();
    /** @type {BigUint64Array} */
    this.held = NO_IDS;
    /** @type {bigint | undefined} */
    this.wake = undefined;
  }

  /**
   * Output row `i` inherits every unset column from the row with id `ids[i]`: of this batch, or held.
   * @param {Iterable<bigint>} ids
   */
  setOrigins(ids) {
    this.origins = BigUint64Array.from(ids);
  }

  /** @param {TextColumn | Iterable<string>} lines */
  setLines(lines) {
    this.lines = lines instanceof TextColumn ? lines : TextColumn.from(lines);
  }

  /** @param {Iterable<bigint>} timestamps Nanoseconds since the epoch. */
  setTimestamps(timestamps) {
    this.timestamps = timestamps instanceof BigInt64Array ? timestamps : BigInt64Array.from(timestamps);
  }

  /** @param {Iterable<number>} streams Per row the index of its label set: in those set here, else in the batch's. */
  setStreams(streams) {
    this.streams = streams instanceof Uint32Array ? streams : Uint32Array.from(streams);
  }

  /**
   * New label sets. Without `setStreams`, set `i` replaces the batch's set `i`.
   * @param {LabelSets | Iterable<ReadonlyMap<string, string> | Record<string, string>>} labels
   */
  setLabels(labels) {
    this.labels = labels instanceof LabelSets ? labels : LabelSets.from(labels);
  }

  /** @param {import("./field.js").Field} field Replaces the whole field of that name. */
  setField(field) {
    replace(this.fields, field);
  }

  /** @param {import("./field.js").Field} field Replaces the whole structured metadata of that name. */
  setMetadata(field) {
    replace(this.metadata, field);
  }

  /**
   * Counts rows as dropped on purpose. Rows that vanish uncounted were merged into others.
   * @param {string} reason
   * @param {number} count
   */
  countDrops(reason, count) {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
  }

  /** @param {Iterable<bigint>} ids Every row the stage keeps back, ascending. Each call says it anew. */
  hold(ids) {
    this.held = BigUint64Array.from(ids);
  }

  /** @param {bigint | undefined} time Asks for a `tick` at that time; each call says it anew. */
  wakeAt(time) {
    this.wake = time;
  }

  /** @returns {import("../index.js").contract.LogEdit} */
  toContract() {
    return {
      origins: this.origins,
      lines: this.lines,
      timestamps: this.timestamps,
      streams: this.streams,
      labels: this.labels,
      setFields: this.fields,
      setMetadata: this.metadata,
      drops: this.drops.size === 0 ? NONE : Array.from(this.drops, ([reason, count]) => ({ reason, count })),
      held: this.held,
      wakeAt: this.wake,
    };
  }
}

const NO_IDS = new BigUint64Array(0);
/** @type {never[]} */
const NONE = [];

/**
 * @param {import("./field.js").Field[]} fields
 * @param {import("./field.js").Field} field
 */
function replace(fields, field) {
  const place = fields.findIndex((other) => other.name === field.name);
  if (place < 0) fields.push(field);
  else fields[place] = field;
}
