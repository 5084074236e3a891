/** Write a Millstream stage in JavaScript or TypeScript. */

/** A stage of a pipeline. One instance serves one place in one pipeline, one call at a time. */
export interface Stage {
  /** Handles a batch. What is not changed stays as it is. `now` is nanoseconds since the epoch; there is no clock. */
  process(batch: Batch, now: bigint): void;
  /** The time asked for with `out.wakeAt` has come. Output rows stem from held rows only. */
  tick?(out: Output, now: bigint): void;
  /** No more batches will come: a stage that holds entries lets go of all of them here. */
  flush?(out: Output, now: bigint): void;
}

/**
 * What a stage's module exports as default. The constructor checks the settings (throws `Refusal`), declares on
 * `setup` every column the stage reads or changes, and registers metrics.
 */
export interface StageClass<S = any> {
  new (settings: S, setup: Setup): Stage;
  /** The settings, one by one. A setting that is not named here is refused by name. */
  readonly settings?: Schema;
}

/** One setting: how it is read and what stands in where it is not given. Made by `setting`. */
export interface Setting<T> {
  /** Reads the value found at `path`; throws `Refusal`. */
  readonly read: (value: unknown, path: string) => T;
  readonly required: boolean;
  readonly fallback: T | undefined;
}

export type Schema = Readonly<Record<string, Setting<any>>>;

/** The type of the settings of a stage: `Settings<typeof MyStage.settings>`. */
export type Settings<S extends Schema> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

type Declared<T> = { (): Setting<T>; (fallback: T): Setting<T>; (fallback: undefined): Setting<T | undefined> };

/** The kinds of settings. The last argument is the default (`undefined` for none); without it the setting has to be given. */
export declare const setting: {
  text: Declared<string>;
  bool: Declared<boolean>;
  number: Declared<number>;
  integer: Declared<number>;
  /** A Go duration (`3s`, `1m30s`), read as nanoseconds. */
  duration: Declared<bigint>;
  oneOf<const T extends string>(values: readonly T[], fallback?: T): Setting<T>;
  list<T>(of: Setting<T>, fallback?: T[]): Setting<T[]>;
  /** Names of the user's own choice, all of one kind. */
  map<T>(of: Setting<T>, fallback?: Map<string, T>): Setting<Map<string, T>>;
  /** A mapping with settings of its own. */
  group<S extends Schema>(schema: S, fallback?: Settings<S>): Setting<Settings<S>>;
};

/** What a stage declares. Using anything that was not declared fails the call with a message naming the declaration. */
export declare class Setup {
  /** The stage reads or changes lines. */
  readsLines(): this;
  /** The stage reads or changes timestamps. */
  readsTimestamps(): this;
  /** The stage reads or changes labels, or tells streams apart. */
  readsLabels(): this;
  /** The stage reads or changes the field `name`, a value extracted by an earlier stage or by itself. */
  readsField(name: string): this;
  /** The stage does not know beforehand which fields it reads or changes. All of them cross. */
  readsEveryField(): this;
  /** The stage reads or changes the structured metadata `name`. */
  readsMetadata(name: string): this;
  /** The stage does not know beforehand which metadata it reads or changes. All of it crosses. */
  readsEveryMetadata(): this;
  /** The stage keeps entries back across calls. */
  holds(): this;
  /** Compiles a pattern that the host runs (RE2, as in the bundled stages): `batch.matches`, `find`, `extract`, `replace`. Throws `Refusal`. */
  pattern(expression: string): Pattern;
  /** Compiles JSON pointers that the host follows, each under the name of the column it fills: `batch.pluck`. Throws `Refusal`. */
  pointers(named: Record<string, string>): Pointers;
  counter(name: string, help: string, labelNames?: string[]): Counter;
  gauge(name: string, help: string, labelNames?: string[]): Gauge;
  histogram(name: string, help: string, buckets: number[], labelNames?: string[]): Histogram;
}

/** A value that only grows. Every call crosses to the host: add up within a batch and report once. */
export declare class Counter {
  /** Adds `value`, which is not negative, to the series with these labels. */
  add(value: number, labels?: Record<string, string>): void;
}

/** A value that goes up and down. */
export declare class Gauge {
  set(value: number, labels?: Record<string, string>): void;
  add(value: number, labels?: Record<string, string>): void;
}

/** Values counted by size. */
export declare class Histogram {
  observe(value: number, labels?: Record<string, string>): void;
}

/** To the agent's own log, with the stage's name; rate-limited. */
export declare const log: {
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
};

/** A batch of entries, good until the call returns. */
export declare class Batch implements Iterable<Entry> {
  /** How many rows there are. */
  readonly length: number;
  /** The id of the first row. */
  readonly firstId: bigint;
  /** The rows, in order. */
  [Symbol.iterator](): Iterator<Entry, undefined>;
  /** Row `row`. */
  at(row: number): Entry;
  /** The id of row `row`. */
  id(row: number): bigint;

  /** The lines as they came in. */
  readonly lines: TextColumn;
  /** The timestamps as they came in, nanoseconds since the epoch. */
  readonly timestamps: BigInt64Array;
  /** Per row the index of its set in `labels`. */
  readonly streams: Uint32Array;
  /** The label sets. */
  readonly labels: LabelSets;
  /** The field `name`; undefined when no row has it. */
  field(name: string): Field | undefined;
  /** The structured metadata `name`; undefined when no row has it. */
  metadata(name: string): Field | undefined;
  /** Every field that crossed: those declared, where some row has a value. */
  readonly fields: ReadonlyMap<string, Field>;
  /** All structured metadata that crossed. */
  readonly allMetadata: ReadonlyMap<string, Field>;

  /** Where whole columns are set. */
  readonly out: Output;
  /** Changes the labels set by set, never row by row: all rows of a stream change alike. */
  relabel(change: (labels: Map<string, string>) => void): void;

  /** The rows in which the pattern matches. The host does this, like all down to `read`, on the column as it is then. */
  matches(pattern: Pattern, of?: contract.Column): Rows;
  /** Every match, with its text. */
  find(pattern: Pattern, of?: contract.Column): contract.Found[];
  /** Sets the named groups of each row's first match as fields (or metadata); answers how many rows match. */
  extract(pattern: Pattern, of?: contract.Column, into?: "fields" | "metadata"): number;
  /** Puts `text` in the place of every match, `${name}` being a group; answers how many rows changed. */
  replace(pattern: Pattern, text: string, of?: contract.Column): number;
  /** Sets what the pointers find in each row's JSON as fields (or metadata); answers how many rows are JSON. */
  pluck(pointers: Pointers, of?: contract.Column, into?: "fields" | "metadata"): number;
  /** Puts texts in the place of parts of values. Patches ascend and do not overlap. */
  splice(patches: Iterable<contract.Patch>, of?: contract.Column): void;
  /** Drops rows on purpose. Not together with `out.setOrigins` or `entry.drop`. */
  dropRows(rows: Rows, reason: string): void;
  /** A column as it is now; undefined when no row has a value. */
  read(of: contract.Column): Field | undefined;
}

/** A compiled pattern, made by `setup.pattern`. */
export interface Pattern {
  readonly handle: number;
}

/** Compiled JSON pointers, made by `setup.pointers`. */
export interface Pointers {
  readonly handle: number;
}

/** The lines, for kernels. */
export declare const LINES: contract.Column;

/** The columns beside the lines, for kernels. */
export declare const column: {
  field(name: string): contract.Column;
  metadata(name: string): contract.Column;
};

/** Some rows of a batch. */
export declare class Rows implements Iterable<number> {
  /** `bits`: row `i` at bit `i % 8` of byte `i / 8`. `count`: how many rows the batch has. */
  constructor(bits: Uint8Array, count: number);
  readonly bits: Uint8Array;
  readonly count: number;
  readonly size: number;
  has(row: number): boolean;
  [Symbol.iterator](): Iterator<number>;
  union(other: Rows): Rows;
  intersection(other: Rows): Rows;
  difference(other: Rows): Rows;
  /** The other rows of the batch. */
  complement(): Rows;
}

/** One entry. What is set on it is what it reads from then on; it takes effect when the call returns. */
export declare class Entry {
  /** The row's place in the batch. */
  readonly row: number;
  /** The row's id: unique at this stage, ascending. */
  readonly id: bigint;
  /** The text. Needs `setup.readsLines()`. */
  line: string;
  /** Nanoseconds since the epoch. Needs `setup.readsTimestamps()`. */
  timestamp: bigint;
  /** The label `name`. Needs `setup.readsLabels()`. */
  label(name: string): string | undefined;
  /** Sets a label. Needs `setup.readsLabels()`. Cheap where values repeat. */
  setLabel(name: string, value: string): void;
  /** Removes a label. Needs `setup.readsLabels()`. */
  removeLabel(name: string): void;
  /** The field `name`. Needs `setup.readsField(name)`. */
  field(name: string): string | undefined;
  /** Sets a field. Needs `setup.readsField(name)`: the other rows keep theirs. */
  setField(name: string, value: string): void;
  /** Takes a field's value away. Needs `setup.readsField(name)`. */
  unsetField(name: string): void;
  /** The structured metadata `name`. Needs `setup.readsMetadata(name)`. */
  metadata(name: string): string | undefined;
  /** Sets structured metadata. Needs `setup.readsMetadata(name)`. */
  setMetadata(name: string, value: string): void;
  /** Removes structured metadata. Needs `setup.readsMetadata(name)`. */
  unsetMetadata(name: string): void;
  /** Drops the entry on purpose, counted under `reason`. Dropping it again changes nothing. */
  drop(reason: string): void;
}

/** A column of texts, laid end to end. Not to be changed; build a new one. */
export declare class TextColumn implements Iterable<string> {
  /** A column of these values. */
  static from(values: Iterable<string>): TextColumn;
  /** A column of empty values. */
  static blank(rows: number): TextColumn;
  /** How many values there are. */
  readonly length: number;
  /** All values end to end, UTF-8. */
  readonly bytes: Uint8Array;
  /** Where each value ends in `bytes`. */
  readonly ends: Uint32Array;
  /** All values end to end, decoded once. */
  readonly text: string;
  /** Whether every character is one byte: only then a place in `text` is a place in `bytes`. */
  readonly isAscii: boolean;
  /** Value `row`. */
  get(row: number): string;
  [Symbol.iterator](): Iterator<string>;
  /**
   * The rows in which `pattern` matches, ascending, found by running over the whole column instead of testing line
   * by line. The pattern must not look beyond its match: no `^ $ \b \B`, no look-around, not sticky.
   */
  rowsMatching(pattern: RegExp): Generator<number, void, undefined>;
}

/** A named column beside the line; a row has a value or has none. Not to be changed; build a new one. */
export declare class Field implements Iterable<string | undefined> {
  /** A column of these values; `undefined` and `null` are rows without one. */
  static from(name: string, values: Iterable<string | null | undefined>): Field;
  /** `present`: a bit a row, least significant first; empty when every row has a value. */
  constructor(name: string, values: TextColumn, present?: Uint8Array);
  readonly name: string;
  /** How many rows there are, with or without a value. */
  readonly length: number;
  /** The texts of all rows; a row without a value has an empty one. */
  readonly values: TextColumn;
  /** Whether row `row` has a value. */
  has(row: number): boolean;
  /** The value of row `row`. */
  get(row: number): string | undefined;
  [Symbol.iterator](): Iterator<string | undefined>;
}

/** Label sets, each a Map from name to value, sorted by name. */
export declare class LabelSets implements Iterable<ReadonlyMap<string, string>> {
  /** Label sets of one's own. */
  static from(sets: Iterable<ReadonlyMap<string, string> | Record<string, string>>): LabelSets;
  readonly length: number;
  get(index: number): ReadonlyMap<string, string>;
  [Symbol.iterator](): Iterator<ReadonlyMap<string, string>>;
}

/** What a call gives back as whole columns: one value per output row. Setting a column needs no declaration. */
export declare class Output {
  /** Output row `i` inherits every unset column from the row with id `ids[i]`: of this batch, or held. */
  setOrigins(ids: Iterable<bigint>): void;
  setLines(lines: TextColumn | Iterable<string>): void;
  /** Nanoseconds since the epoch. */
  setTimestamps(timestamps: Iterable<bigint>): void;
  /** Per row the index of its label set: in those set with `setLabels`, else in the batch's. */
  setStreams(streams: Iterable<number>): void;
  /** New label sets. Without `setStreams`, set `i` replaces the batch's set `i`. */
  setLabels(labels: LabelSets | Iterable<ReadonlyMap<string, string> | Record<string, string>>): void;
  /** Replaces the whole field of that name; a row without a value has none afterwards. */
  setField(field: Field): void;
  /** Replaces the whole structured metadata of that name. */
  setMetadata(field: Field): void;
  /** Counts rows as dropped on purpose. Rows that vanish uncounted were merged into others. */
  countDrops(reason: string, count: number): void;
  /** The ids of every row the stage keeps back, ascending. Each call says it anew. */
  hold(ids: Iterable<bigint>): void;
  /** Asks for a `tick` at that time; each call says it anew. */
  wakeAt(time: bigint | undefined): void;
}

/** What is kept back of one stream. */
export interface Block<T> {
  /** The ids of the rows kept back, ascending. */
  ids: bigint[];
  /** When the block is due, if ever. */
  deadline?: bigint;
  /** What the stage made of the rows so far. */
  value: T;
}

/** Where a stream's block lies. */
export type Place = string;

/** Entries a stage keeps back, one block per stream. Needs `setup.holds()` and `setup.readsLabels()`. */
export declare class Hold<T> {
  /** Finds the places of the batch's streams; first thing in `process`. */
  begin(batch: Batch): void;
  /** The place of a stream of the batch last begun. */
  place(stream: number): Place;
  get(place: Place): Block<T> | undefined;
  set(place: Place, block: Block<T>): void;
  /** Takes the block at `place` out and answers it. */
  take(place: Place): Block<T> | undefined;
  /** Takes out every block whose deadline has come, in the order of their first ids. */
  takeDue(now: bigint): Block<T>[];
  /** Takes out every block, in the order of their first ids. */
  takeAll(): Block<T>[];
  /** Tells the host what is held and when the next block is due; last thing in every call. */
  report(out: Output): void;
}

/** The settings cannot be used. The pipeline does not start; the text is shown beside the manifest's line. */
export declare class Refusal extends Error {
  constructor(message: string);
  /** A refusal of one setting, named by its path as written in the manifest (`values.level`). */
  static setting(path: string, why: string): Refusal;
}

/** A call could not be done; the stage's `on_error` policy applies. For a broken invariant only. */
export declare class Failure extends Error {
  constructor(message: string);
}

/** Whether Prometheus and Loki accept `name` as the name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`. */
export declare function isLabelName(name: string): boolean;

/** The contract (`stage.wit`) as it crosses. A stage never sees it. */
export declare namespace contract {
  interface TextColumn {
    bytes: Uint8Array;
    ends: Uint32Array;
  }
  interface Field {
    name: string;
    values: TextColumn;
    present: Uint8Array;
  }
  interface LabelSets {
    ends: Uint32Array;
    names: TextColumn;
    values: TextColumn;
  }
  interface LogBatch {
    firstId: bigint;
    rows: number;
    timestamps: BigInt64Array;
    lines: TextColumn;
    streams: Uint32Array;
    labels: LabelSets;
    fields: Field[];
    metadata: Field[];
  }
  interface Interest {
    timestamps: boolean;
    lines: boolean;
    labels: boolean;
    fields: string[];
    metadata: string[];
    holds: boolean;
  }
  interface LogEdit {
    origins?: BigUint64Array;
    lines?: TextColumn;
    timestamps?: BigInt64Array;
    streams?: Uint32Array;
    labels?: LabelSets;
    setFields: Field[];
    setMetadata: Field[];
    drops: { reason: string; count: number }[];
    held: BigUint64Array;
    wakeAt?: bigint;
  }
  /** A column of the batch, for kernels: `LINES`, or made by `column`. */
  type Column = { readonly tag: "lines"; readonly val?: undefined } | { readonly tag: "field" | "metadata"; readonly val: string };
  /** A match: bytes of row `row`, and their text. */
  interface Found {
    row: number;
    start: number;
    end: number;
    text: string;
  }
  /** A text to put in the place of bytes of row `row`. */
  interface Patch {
    row: number;
    start: number;
    end: number;
    text: string;
  }
  type Level = "trace" | "debug" | "info" | "warn" | "error";
  interface Host {
    log(level: Level, message: string): void;
    register(
      kind: "counter" | "gauge" | "histogram",
      name: string,
      help: string,
      labelNames: string[],
      buckets: Float64Array,
    ): number;
    add(metric: number, labelValues: string[], value: number): void;
    set(metric: number, labelValues: string[], value: number): void;
    pattern(expression: string): number;
    pointers(named: [string, string][]): number;
    matches(pattern: number, of: Column): Uint8Array;
    find(pattern: number, of: Column): Found[];
    extract(pattern: number, of: Column, into: "fields" | "metadata"): number;
    replace(pattern: number, of: Column, text: string): number;
    pluck(pointers: number, of: Column, into: "fields" | "metadata"): number;
    splice(of: Column, patches: Patch[]): void;
    dropRows(rows: Uint8Array, reason: string): void;
    read(of: Column): Field | undefined;
  }
}
