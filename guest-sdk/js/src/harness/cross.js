// Rows to columns, as they cross into the sandbox, and an edit back onto rows.

import { Field } from "../field.js";
import { LabelSets } from "../labels.js";
import { TextColumn } from "../text.js";
import { keyOf } from "./row.js";

/** @typedef {import("./row.js").Row} Row */

/**
 * The label sets of rows in the order of their first appearance.
 * @param {Row[]} rows
 */
export function distinctLabels(rows) {
  /** @type {Map<string, Record<string, string>>} */
  const sets = new Map();
  for (const row of rows) if (!sets.has(keyOf(row.labels))) sets.set(keyOf(row.labels), row.labels);
  return sets;
}

/**
 * Only the columns of the interest.
 * @param {bigint} firstId
 * @param {Row[]} rows
 * @param {import("../../index.js").contract.Interest} interest
 * @returns {import("../../index.js").contract.LogBatch}
 */
export function batchOf(firstId, rows, interest) {
  const sets = interest.labels ? distinctLabels(rows) : new Map();
  const places = new Map([...sets.keys()].map((key, place) => [key, place]));
  return {
    firstId,
    rows: rows.length,
    timestamps: BigInt64Array.from(interest.timestamps ? rows.map((row) => row.timestamp) : []),
    lines: TextColumn.from(interest.lines ? rows.map((row) => row.line) : []),
    streams: Uint32Array.from(interest.labels ? rows.map((row) => places.get(keyOf(row.labels)) ?? 0) : []),
    labels: LabelSets.from(sets.values()),
    fields: columnsOf(rows, interest.fields, "fields"),
    metadata: columnsOf(rows, interest.metadata, "metadata"),
  };
}

/**
 * @param {Row[]} rows
 * @param {string[]} names
 * @param {"fields" | "metadata"} kind
 */
function columnsOf(rows, names, kind) {
  const present = new Set(rows.flatMap((row) => Object.keys(row[kind])));
  return [...present]
    .filter((name) => names.includes(name) || names.includes("*"))
    .sort()
    .map((name) => Field.from(name, rows.map((row) => row[kind][name])));
}

/**
 * The rows an edit, already checked, puts out.
 * @param {import("./check.js").Given} given
 * @param {import("../../index.js").contract.LogEdit} edit
 * @returns {Row[]}
 */
export function applied(given, edit) {
  const lines = edit.lines && new TextColumn(edit.lines.bytes, edit.lines.ends);
  const labels = edit.labels && new LabelSets(edit.labels);
  return given.origins(edit).map((id, index) => {
    const from = /** @type {Row} */ (given.known.get(id));
    const row = { ...from, fields: { ...from.fields }, metadata: { ...from.metadata } };
    if (lines !== undefined) row.line = lines.get(index);
    if (edit.timestamps !== undefined) row.timestamp = edit.timestamps[index];
    const stream = edit.streams === undefined ? given.sets.findIndex((set) => set === keyOf(from.labels)) : edit.streams[index];
    if (labels !== undefined) row.labels = Object.fromEntries(labels.get(stream));
    else if (edit.streams !== undefined) row.labels = Object.fromEntries(JSON.parse(given.sets[stream]));
    for (const [raw, target] of /** @type {const} */ ([
      [edit.setFields, row.fields],
      [edit.setMetadata, row.metadata],
    ])) {
      for (const { name, values, present } of raw) {
        const value = new Field(name, new TextColumn(values.bytes, values.ends), present).get(index);
        if (value === undefined) delete target[name];
        else target[name] = value;
      }
    }
    return row;
  });
}
