// A batch as a stage sees it: declared columns to read, and three ways to change them.
//
// Entries and the row methods change single rows and read back what was set; the columns show the batch as it came
// in; `out` takes whole columns. All may be used in one call for different columns, but changes of rows cannot be
// combined with `out.setOrigins`, which redefines what a row is. Columns are wrapped when first used: a stage that
// looks at nothing pays for nothing.

import { Draft } from "./draft.js";
import { Entry } from "./entry.js";
import { Field } from "./field.js";
import { host } from "./host.js";
import { LINES, Rows } from "./kernel.js";
import { LabelSets } from "./labels.js";
import { undeclared } from "./outcome.js";
import { Output } from "./output.js";
import { TextColumn } from "./text.js";

/** A batch of entries, good until the call returns. */
export class Batch {
  /**
   * @param {import("../index.js").contract.LogBatch} raw
   * @param {import("./setup.js").Interest} interest
   */
  constructor(raw, interest) {
    this.raw = raw;
    this.interest = interest;
    this.length = raw.rows;
    this.firstId = raw.firstId;
    /** @type {Draft | undefined} */
    this.draft = undefined;
    /** @type {(string | undefined)[] | undefined} By row, its new line: those of the draft, for entries. */
    this.newLines = undefined;
    /** @type {import("./labels.js").LabelEdit | undefined} That of the draft, for entries. */
    this.newLabels = undefined;
    /** @type {Output | undefined} */
    this.output = undefined;
    /** @type {TextColumn | undefined} */
    this.lineColumn = undefined;
    /** @type {LabelSets | undefined} */
    this.labelSets = undefined;
    /** @type {Map<string, Field> | undefined} */
    this.fieldColumns = undefined;
    /** @type {Map<string, Field> | undefined} */
    this.metadataColumns = undefined;
  }

  /** @returns {Iterator<Entry, undefined>} */
  [Symbol.iterator]() {
    // In the sandbox a generator costs three times as much as an iterator by hand, and a constructor three times as
    // much as a literal of the same prototype.
    const batch = this;
    const length = this.length;
    const prototype = Entry.prototype;
    let row = 0;
    return {
      next() {
        if (row === length) return { done: true, value: undefined };
        return { done: false, value: /** @type {Entry} */ (/** @type {unknown} */ ({ __proto__: prototype, batch, row: row++ })) };
      },
    };
  }

  /** @param {number} row */
  at(row) {
    if (!(row >= 0 && row < this.length)) throw new RangeError(`row ${row} of a batch of ${this.length} rows`);
    return new Entry(this, row);
  }

  /** @param {number} row */
  id(row) {
    return this.firstId + BigInt(row);
  }

  /** Where whole columns are set. */
  get out() {
    return (this.output ??= new Output());
  }

  get lines() {
    if (this.lineColumn === undefined) {
      if (!this.interest.lines) throw undeclared("lines", "readsLines()");
      this.lineColumn = new TextColumn(this.raw.lines.bytes, this.raw.lines.ends);
    }
    return this.lineColumn;
  }

  get timestamps() {
    if (!this.interest.timestamps) throw undeclared("timestamps", "readsTimestamps()");
    return this.raw.timestamps;
  }

  get streams() {
    if (!this.interest.labels) throw undeclared("streams", "readsLabels()");
    return this.raw.streams;
  }

  get labels() {
    if (this.labelSets === undefined) {
      if (!this.interest.labels) throw undeclared("labels", "readsLabels()");
      this.labelSets = new LabelSets(this.raw.labels);
    }
    return this.labelSets;
  }

  /** @param {string} name */
  field(name) {
    const field = this.fields.get(name);
    if (field === undefined && !this.interest.hasField(name)) {
      throw undeclared(`the field \`${name}\``, `readsField(${JSON.stringify(name)})`);
    }
    return field;
  }

  /** @param {string} name */
  metadata(name) {
    const field = this.allMetadata.get(name);
    if (field === undefined && !this.interest.hasMetadata(name)) {
      throw undeclared(`the metadata \`${name}\``, `readsMetadata(${JSON.stringify(name)})`);
    }
    return field;
  }

  get fields() {
    return (this.fieldColumns ??= adopted(this.raw.fields));
  }

  get allMetadata() {
    return (this.metadataColumns ??= adopted(this.raw.metadata));
  }

  /**
   * @param {number} row
   * @param {string} line
   */
  setLine(row, line) {
    this.changes.setLine(row, line);
  }

  /** @param {number} row */
  timestamp(row) {
    return (this.draft?.timestamps ?? this.timestamps)[row];
  }

  /**
   * @param {number} row
   * @param {bigint} timestamp
   */
  setTimestamp(row, timestamp) {
    this.changes.setTimestamp(row, timestamp);
  }

  /**
   * @param {number} row
   * @param {string} name
   */
  label(row, name) {
    return this.labelsOf(row).get(name);
  }

  /** @param {number} row */
  labelsOf(row) {
    const edit = this.draft?.labels;
    return edit === undefined ? this.labels.get(this.streams[row]) : edit.sets[edit.streams[row]];
  }

  /**
   * @param {number} row
   * @param {string} name
   */
  fieldOf(row, name) {
    const changed = this.draft?.fields?.get(name)?.values[row];
    return changed === undefined ? this.field(name)?.get(row) : (changed ?? undefined);
  }

  /**
   * @param {number} row
   * @param {string} name
   * @param {string | null} value
   */
  setField(row, name, value) {
    this.changes.setField("fields", this.field(name), row, name, value);
  }

  /**
   * @param {number} row
   * @param {string} name
   */
  metadataOf(row, name) {
    const changed = this.draft?.metadata?.get(name)?.values[row];
    return changed === undefined ? this.metadata(name)?.get(row) : (changed ?? undefined);
  }

  /**
   * @param {number} row
   * @param {string} name
   * @param {string | null} value
   */
  setMetadata(row, name, value) {
    this.changes.setField("metadata", this.metadata(name), row, name, value);
  }

  /**
   * @param {number} row
   * @param {string} reason
   */
  drop(row, reason) {
    this.changes.drop(row, reason);
  }

  /** @param {(labels: Map<string, string>) => void} change */
  relabel(change) {
    const sets = [];
    for (let index = 0; index < this.labels.length; index++) {
      const labels = new Map(this.labels.get(index));
      change(labels);
      sets.push(labels);
    }
    this.out.setLabels(sets);
  }

  /**
   * @param {import("./kernel.js").Pattern} pattern
   * @param {import("./kernel.js").Column} [of]
   */
  matches(pattern, of = LINES) {
    return new Rows(host.matches(pattern.handle, of), this.length);
  }

  /**
   * @param {import("./kernel.js").Pattern} pattern
   * @param {import("./kernel.js").Column} [of]
   */
  find(pattern, of = LINES) {
    return host.find(pattern.handle, of);
  }

  /**
   * @param {import("./kernel.js").Pattern} pattern
   * @param {import("./kernel.js").Column} [of]
   * @param {"fields" | "metadata"} [into]
   */
  extract(pattern, of = LINES, into = "fields") {
    return host.extract(pattern.handle, of, into);
  }

  /**
   * @param {import("./kernel.js").Pattern} pattern
   * @param {string} text
   * @param {import("./kernel.js").Column} [of]
   */
  replace(pattern, text, of = LINES) {
    return host.replace(pattern.handle, of, text);
  }

  /**
   * @param {import("./kernel.js").Pointers} pointers
   * @param {import("./kernel.js").Column} [of]
   * @param {"fields" | "metadata"} [into]
   */
  pluck(pointers, of = LINES, into = "fields") {
    return host.pluck(pointers.handle, of, into);
  }

  /**
   * @param {Iterable<import("../index.js").contract.Patch>} patches
   * @param {import("./kernel.js").Column} [of]
   */
  splice(patches, of = LINES) {
    const all = Array.from(patches);
    if (all.length > 0) host.splice(of, all);
  }

  /**
   * @param {Rows} rows
   * @param {string} reason
   */
  dropRows(rows, reason) {
    host.dropRows(rows.bits, reason);
  }

  /** @param {import("./kernel.js").Column} of */
  read(of) {
    const raw = host.read(of);
    return raw && new Field(raw.name, new TextColumn(raw.values.bytes, raw.values.ends), raw.present);
  }

  get changes() {
    return (this.draft ??= new Draft(this));
  }

  /** @returns {import("../index.js").contract.LogEdit} */
  finish() {
    if (this.draft === undefined && this.output === undefined) return UNCHANGED;
    if (this.draft !== undefined) this.draft.finish(this.out);
    return this.out.toContract();
  }
}

/** The answer of a call that changed nothing: the same object every time. */
export const UNCHANGED = Object.freeze(new Output().toContract());

/** @param {import("../index.js").contract.Field[]} raw */
function adopted(raw) {
  const fields = new Map();
  for (let i = 0; i < raw.length; i++) {
    const { name, values, present } = raw[i];
    fields.set(name, new Field(name, new TextColumn(values.bytes, values.ends), present));
  }
  return fields;
}
