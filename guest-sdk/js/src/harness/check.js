// The contract, as the host enforces it on every edit.

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the stage was given: the rows of the call, and those it held. */
export class Given {
  /**
   * @param {bigint} first
   * @param {number} rows
   * @param {Map<bigint, import("./row.js").Row>} known
   * @param {string[]} sets The keys of the batch's label sets.
   * @param {import("../../index.js").contract.Interest} interest
   */
  constructor(first, rows, known, sets, interest) {
    this.first = first;
    this.rows = rows;
    this.known = known;
    this.sets = sets;
    this.interest = interest;
  }

  /**
   * The id each output row stems from.
   * @param {import("../../index.js").contract.LogEdit} edit
   */
  origins(edit) {
    if (edit.origins !== undefined) return [...edit.origins];
    return Array.from({ length: this.rows }, (_, row) => this.first + BigInt(row));
  }

  /**
   * How many of the known rows live on, as output or held.
   * @param {import("../../index.js").contract.LogEdit} edit
   */
  staying(edit) {
    return new Set([...this.origins(edit), ...edit.held]).size;
  }
}

/**
 * Throws the first violation.
 * @param {Given} given
 * @param {import("../../index.js").contract.LogEdit} edit
 */
export function check(given, edit) {
  const origins = given.origins(edit);
  checkRows(given, edit, origins);
  checkLabels(given, edit, origins);
  checkColumns(edit, origins.length);
  const vanished = given.known.size - given.staying(edit);
  const dropped = edit.drops.reduce((sum, drop) => sum + drop.count, 0);
  if (dropped > vanished) broken(`${dropped} rows counted as dropped, but only ${vanished} vanished`);
}

/** @param {string} violation @returns {never} */
function broken(violation) {
  throw new Error(`the stage broke the contract: ${violation}`);
}

/**
 * @param {Given} given
 * @param {import("../../index.js").contract.LogEdit} edit
 * @param {bigint[]} origins
 */
function checkRows(given, edit, origins) {
  const stranger = origins.find((id) => !given.known.has(id));
  if (stranger !== undefined) broken(`origin ${stranger} is neither of the batch nor held`);
  edit.held.forEach((id, i) => {
    if (!given.known.has(id)) broken(`row ${id} is held, but neither of the batch nor held before`);
    if (i > 0 && edit.held[i - 1] >= id) broken(`held rows do not ascend: ${edit.held}`);
  });
  if (edit.held.length > 0 && !given.interest.holds) broken("rows are held without `setup.holds()`");
  const both = origins.find((id) => edit.held.includes(id));
  if (both !== undefined) broken(`row ${both} is put out and held at once, so a replay would repeat it`);
}

/**
 * @param {Given} given
 * @param {import("../../index.js").contract.LogEdit} edit
 * @param {bigint[]} origins
 */
function checkLabels(given, edit, origins) {
  const end = given.first + BigInt(given.rows);
  const old = origins.some((id) => id < given.first || id >= end);
  let sets = given.sets.length;
  if (edit.labels === undefined) {
    if (old && edit.streams !== undefined) broken("streams without labels, though a held row is put out");
  } else {
    sets = edit.labels.ends.length;
    checkSets(edit.labels);
  }
  if (edit.streams !== undefined) {
    checkLength("streams", edit.streams.length, origins.length);
    const stream = edit.streams.find((other) => other >= sets);
    if (stream !== undefined) broken(`stream ${stream} of ${sets} label sets`);
  } else if (edit.labels !== undefined && (old || sets !== given.sets.length)) {
    broken("labels without streams have to replace the batch's label sets one by one");
  }
}

/** @param {import("../../index.js").contract.LabelSets} labels */
function checkSets(labels) {
  const count = labels.ends.at(-1) ?? 0;
  const names = checkText("label names", labels.names, count);
  checkText("label values", labels.values, count);
  let start = 0;
  for (const end of labels.ends) {
    if (end < start) broken("the label sets do not fit together");
    const set = names.slice(start, end);
    for (let i = 1; i < set.length; i++) {
      if (Buffer.compare(Buffer.from(set[i - 1]), Buffer.from(set[i])) >= 0) {
        broken(`the names of a label set are not sorted and unique: ${set}`);
      }
    }
    start = end;
  }
}

/**
 * @param {import("../../index.js").contract.LogEdit} edit
 * @param {number} rows
 */
function checkColumns(edit, rows) {
  if (edit.lines !== undefined) checkText("lines", edit.lines, rows);
  if (edit.timestamps !== undefined) checkLength("timestamps", edit.timestamps.length, rows);
  for (const fields of [edit.setFields, edit.setMetadata]) {
    const names = new Set();
    for (const { name, values, present } of fields) {
      if (names.has(name)) broken(`\`${name}\` is set twice`);
      names.add(name);
      checkText(name, values, rows);
      if (present.length > 0) checkLength(`the bitmap of ${name}`, present.length, (rows + 7) >> 3);
    }
  }
}

/**
 * @param {string} name
 * @param {import("../../index.js").contract.TextColumn} column
 * @param {number} rows
 */
function checkText(name, column, rows) {
  checkLength(name, column.ends.length, rows);
  /** @type {string[]} */
  const values = [];
  let start = 0;
  for (const end of column.ends) {
    if (end < start || end > column.bytes.length) broken(`${name}: the ends do not ascend`);
    try {
      values.push(strict.decode(column.bytes.subarray(start, end)));
    } catch {
      broken(`${name}: a value is not UTF-8`);
    }
    start = end;
  }
  if (start !== column.bytes.length) broken(`${name}: the last end is not the length`);
  return values;
}

/**
 * @param {string} name
 * @param {number} is
 * @param {number} rows
 */
function checkLength(name, is, rows) {
  if (is !== rows) broken(`${name}: ${is} values for ${rows}`);
}
