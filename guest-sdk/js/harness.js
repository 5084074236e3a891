// Runs a stage natively by the host's rules, for its author's tests.
//
// Only declared columns cross, held rows keep their columns outside the stage, ticks come when asked for, and time
// moves only when told. Every answer is checked as the host would check it; a violation throws. `replay` replaces
// the stage by a fresh one and feeds it the held entries, as the host does after a trap or a reload: a stage whose
// output depends on more than that is wrong.

/// <reference types="./harness.d.ts" />
import { attach } from "./src/host.js";
import { Instance } from "./src/instance.js";
import { casesIn, runCase } from "./src/harness/cases.js";
import { Given, check } from "./src/harness/check.js";
import { applied, batchOf, distinctLabels } from "./src/harness/cross.js";
import { Kernels } from "./src/harness/kernels.js";
import { START, rowOf } from "./src/harness/row.js";

export { START };

/** @typedef {import("./src/harness/row.js").Row} Row */

/** What a stage told the host, and the kernels it is given. */
class Recorder extends Kernels {
  constructor() {
    super();
    /** @type {{ level: import("./index.js").contract.Level, message: string }[]} */
    this.messages = [];
    /** @type {{ name: string, labelNames: string[] }[]} */
    this.metrics = [];
    /** @type {Map<string, number>} Metric and label values; a histogram is the sum of what was observed. */
    this.series = new Map();
  }

  /** @type {import("./index.js").contract.Host["log"]} */
  log(level, message) {
    this.messages.push({ level, message });
  }

  /** @type {import("./index.js").contract.Host["register"]} */
  register(_kind, name, _help, labelNames) {
    const known = this.metrics.findIndex((metric) => metric.name === name);
    return known >= 0 ? known : this.metrics.push({ name, labelNames }) - 1;
  }

  /** @type {import("./index.js").contract.Host["add"]} */
  add(metric, labelValues, value) {
    const key = JSON.stringify([metric, labelValues]);
    this.series.set(key, (this.series.get(key) ?? 0) + value);
  }

  /** @type {import("./index.js").contract.Host["set"]} */
  set(metric, labelValues, value) {
    this.series.set(JSON.stringify([metric, labelValues]), value);
  }
}

/** One stage in one place, and what a host would keep beside it. */
export class Harness {
  /**
   * @param {import("./index.js").StageClass} Stage
   * @param {object | string} [settings]
   */
  constructor(Stage, settings = {}) {
    this.Stage = Stage;
    this.settings = typeof settings === "string" ? settings : JSON.stringify(settings);
    this.now = START;
    this.nextId = 0n;
    /** @type {Map<bigint, Row>} */
    this.keeping = new Map();
    /** @type {bigint | undefined} */
    this.wakeAt = undefined;
    /** @type {Record<string, number>} */
    this.drops = {};
    this.merged = 0;
    this.recorder = new Recorder();
    this.instance = this.recorded(() => new Instance(Stage, this.settings));
  }

  /**
   * @param {import("./index.js").StageClass} Stage
   * @param {object | string} [settings]
   * @returns {string}
   */
  static refusal(Stage, settings = {}) {
    const json = typeof settings === "string" ? settings : JSON.stringify(settings);
    try {
      new Harness(Stage, json);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error(`the stage accepted ${json}`);
  }

  /** @param {Iterable<string | Partial<Row>>} given @returns {Row[]} */
  push(given) {
    const rows = Array.from(given, rowOf);
    const first = this.nextId;
    this.nextId += BigInt(rows.length);
    return this.batch(first, rows);
  }

  /** @param {Iterable<string | Partial<Row>>} given */
  lines(given) {
    return this.push(given).map((row) => row.line);
  }

  /** @param {number} milliseconds */
  advance(milliseconds) {
    return this.advanceTo(this.now + BigInt(Math.round(milliseconds * 1e6)));
  }

  /** @param {bigint} until */
  advanceTo(until) {
    /** @type {Row[]} */
    const out = [];
    while (this.wakeAt !== undefined && this.wakeAt <= until) {
      const due = this.wakeAt;
      if (due > this.now) this.now = due;
      const edit = this.recorded(() => this.instance.tick(this.now));
      if (edit.wakeAt === due) throw new Error(`the stage asks to be woken at ${due} for ever`);
      out.push(...this.settle(0n, [], edit));
    }
    if (until > this.now) this.now = until;
    return out;
  }

  /**
   * Sets the clock, and calls the stage once if it asked for that.
   * @param {bigint} now
   */
  jump(now) {
    this.now = now;
    if (this.wakeAt === undefined || this.wakeAt > now) return [];
    return this.settle(0n, [], this.recorded(() => this.instance.tick(now)));
  }

  flush() {
    const out = this.settle(0n, [], this.recorded(() => this.instance.flush(this.now)));
    if (this.keeping.size > 0) throw new Error(`after flush the stage still holds ${this.held}`);
    return out;
  }

  replay() {
    this.instance = this.recorded(() => new Instance(this.Stage, this.settings));
    this.wakeAt = undefined;
    /** @type {{ first: bigint, rows: Row[] }[]} */
    const stretches = [];
    for (const [id, row] of this.keeping) {
      const last = stretches.at(-1);
      if (last !== undefined && last.first + BigInt(last.rows.length) === id) last.rows.push(row);
      else stretches.push({ first: id, rows: [row] });
    }
    this.keeping = new Map();
    return stretches.flatMap(({ first, rows }) => this.batch(first, rows));
  }

  get held() {
    return [...this.keeping.keys()];
  }

  /** @param {string} reason */
  dropped(reason) {
    return this.drops[reason] ?? 0;
  }

  get messages() {
    return this.recorder.messages;
  }

  /**
   * @param {string} name
   * @param {Record<string, string>} [labels]
   */
  metric(name, labels = {}) {
    const handle = this.recorder.metrics.findIndex((metric) => metric.name === name);
    if (handle < 0) {
      throw new Error(`no metric \`${name}\` was registered, but [${this.recorder.metrics.map((metric) => metric.name)}]`);
    }
    const values = this.recorder.metrics[handle].labelNames.map((label) => labels[label]);
    return this.recorder.series.get(JSON.stringify([handle, values])) ?? 0;
  }

  /**
   * @param {bigint} first
   * @param {Row[]} rows
   */
  batch(first, rows) {
    const batch = batchOf(first, rows, this.instance.interest.toContract());
    this.recorder.begin(rows);
    const edit = this.recorded(() => this.instance.process(batch, this.now));
    const derived = this.recorder.end();
    return this.settle(first, rows, without(first, rows.length, derived.dropped, edit), derived.rows);
  }

  /**
   * @template T
   * @param {() => T} call
   */
  recorded(call) {
    const before = attach(this.recorder);
    try {
      return call();
    } finally {
      attach(before);
    }
  }

  /**
   * Checks an edit, applies it to the rows as kernels left them, and keeps the books.
   * @param {bigint} first
   * @param {Row[]} rows
   * @param {import("./index.js").contract.LogEdit} edit
   * @param {Row[]} [derived]
   */
  settle(first, rows, edit, derived = []) {
    const known = new Map(this.keeping);
    rows.forEach((row, i) => known.set(first + BigInt(i), row));
    const sets = [...distinctLabels(rows).keys()];
    const given = new Given(first, rows.length, known, sets, this.instance.interest.toContract());
    check(given, edit);
    given.known = new Map(known);
    derived.forEach((row, i) => given.known.set(first + BigInt(i), row));
    const out = applied(given, edit);
    const drops = edit.drops.reduce((sum, drop) => sum + drop.count, 0);
    this.merged += known.size - given.staying(edit) - drops;
    for (const { reason, count } of edit.drops) this.drops[reason] = this.dropped(reason) + count;
    this.keeping = new Map(Array.from(edit.held, (id) => [id, /** @type {Row} */ (known.get(id))]));
    this.wakeAt = edit.wakeAt;
    return out;
  }
}

/**
 * @param {import("./index.js").StageClass} Stage
 * @param {string | URL} folder
 */
export function cases(Stage, folder) {
  return casesIn(folder).map((one) => ({ name: one.name, run: () => runCase(Harness, Stage, one.folder) }));
}

/**
 * The edit with the rows that `dropRows` took out.
 * @param {bigint} first
 * @param {number} rows
 * @param {Map<number, string>} dropped
 * @param {import("./index.js").contract.LogEdit} edit
 * @returns {import("./index.js").contract.LogEdit}
 */
function without(first, rows, dropped, edit) {
  if (dropped.size === 0) return edit;
  if (edit.origins !== undefined) throw new Error("the stage broke the contract: origins are set although `dropRows` was called");
  const kept = Array.from({ length: rows }, (_, row) => row).filter((row) => !dropped.has(row));
  const drops = Array.from(dropped.values(), (reason) => ({ reason, count: 1 }));
  return { ...edit, origins: BigUint64Array.from(kept, (row) => first + BigInt(row)), drops: [...edit.drops, ...drops] };
}
