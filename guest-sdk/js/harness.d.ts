/** Runs a stage natively by the host's rules, for its author's tests. */
import type { StageClass, contract } from "./index.js";

/** When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z. */
export declare const START: bigint;

/** A whole entry: everything a stage could read or change. */
export interface Row {
  line: string;
  /** Nanoseconds since the epoch. */
  timestamp: bigint;
  labels: Record<string, string>;
  fields: Record<string, string>;
  metadata: Record<string, string>;
}

/** One stage in one place, and what a host would keep beside it. Every answer is checked against the contract. */
export declare class Harness {
  /** A configured stage; throws what its constructor throws. */
  constructor(Stage: StageClass, settings?: object | string);
  /** Why the stage refuses these settings. */
  static refusal(Stage: StageClass, settings?: object | string): string;
  /** Sends one batch through the stage and answers what came out. Throws its failure; then nothing has changed. */
  push(rows: Iterable<string | Partial<Row>>): Row[];
  /** `push`, and of what came out only the lines. */
  lines(rows: Iterable<string | Partial<Row>>): string[];
  /** Lets time pass. The stage is called whenever it asked for that. */
  advance(milliseconds: number): Row[];
  /** Lets time pass until `time`, nanoseconds since the epoch. */
  advanceTo(time: bigint): Row[];
  /** No more batches: the stage has to let go of everything. */
  flush(): Row[];
  /** Replaces the stage by a fresh one and feeds it the held entries. Nothing comes out of a stage that decides by what it holds. */
  replay(): Row[];
  /** The ids of the rows the stage holds. */
  readonly held: bigint[];
  /** When the stage wants to be called. */
  readonly wakeAt: bigint | undefined;
  /** What time it is. */
  readonly now: bigint;
  /** How many rows were dropped on purpose, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** How many rows were dropped on purpose for `reason`. */
  dropped(reason: string): number;
  /** How many rows vanished uncounted: merged into others. */
  readonly merged: number;
  /** What the stage logged so far. */
  readonly messages: { level: contract.Level; message: string }[];
  /** The value of a metric's series; a histogram's is the sum of its observations. */
  metric(name: string, labels?: Record<string, string>): number;
}

/** The golden cases in `folder`: `for (const { name, run } of cases(Stage, folder)) test(name, run)`. */
export declare function cases(Stage: StageClass, folder: string | URL): { name: string; run: () => void }[];
