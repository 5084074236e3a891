// Golden cases: folders of settings, input and expected output.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { START, rowOf } from "./row.js";

const INTEGER = "\u0000integer:";

/**
 * JSON, with whole numbers that a double would round (nanoseconds) as bigints.
 * @param {string} text
 */
function parse(text) {
  const guarded = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"\\u0000integer:${token}"`,
  );
  return JSON.parse(guarded, (_, value) =>
    typeof value === "string" && value.startsWith(INTEGER) ? BigInt(value.slice(INTEGER.length)) : value,
  );
}

/** @param {string} file */
function parseLines(file) {
  return readFileSync(file, "utf8").split("\n").filter((line) => line.trim() !== "").map(parse);
}

/** The cases in `folder`, sorted by name. @param {string | URL} folder */
export function casesIn(folder) {
  const place = folder instanceof URL ? fileURLToPath(folder) : folder;
  const names = readdirSync(place, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names.map(({ name }) => ({ name, folder: path.join(place, name) })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Runs one case; throws where the outcome is another.
 * @param {typeof import("../../harness.js").Harness} Harness
 * @param {import("../../index.js").StageClass} Stage
 * @param {string} folder
 */
export function runCase(Harness, Stage, folder) {
  const settings = readFileSync(path.join(folder, "settings.json"), "utf8");
  const expected = parseLines(path.join(folder, "expected.jsonl"));
  if (expected[0]?.refused !== undefined) {
    const refusal = Harness.refusal(Stage, settings);
    assert.ok(refusal.includes(expected[0].refused), `refused with "${refusal}", expected "${expected[0].refused}"`);
    return;
  }
  const stage = new Harness(Stage, settings);
  if (expected[0]?.failed !== undefined) {
    const text = expected[0].failed;
    assert.throws(
      () => feed(stage, parseLines(path.join(folder, "input.jsonl"))),
      (error) => error instanceof Error && error.message.includes(text),
      `no call failed with "${text}"`,
    );
    return;
  }
  compare(stage, feed(stage, parseLines(path.join(folder, "input.jsonl"))), expected);
}

/**
 * @param {import("../../harness.js").Harness} stage
 * @param {any[]} input
 */
function feed(stage, input) {
  /** @type {import("./row.js").Row[]} */
  const out = [];
  /** @type {import("./row.js").Row[]} */
  let batch = [];
  let index = 0n;
  const end = () => {
    if (batch.length > 0) out.push(...stage.push(batch));
    batch = [];
  };
  for (const step of input) {
    if (step.line !== undefined) {
      batch.push(rowOf({ ...step, timestamp: step.timestamp ?? START + index++ }));
      if (step.timestamp !== undefined) index++;
      continue;
    }
    end();
    if (step.now !== undefined) out.push(...stage.jump(BigInt(step.now)));
    if (step.replay === true) out.push(...stage.replay());
  }
  end();
  out.push(...stage.flush());
  return out;
}

/**
 * @param {import("../../harness.js").Harness} stage
 * @param {import("./row.js").Row[]} out
 * @param {any[]} expected
 */
function compare(stage, out, expected) {
  const rows = expected.filter((line) => line.line !== undefined);
  const wanted = rows.map((row, i) => rowOf({ ...row, timestamp: row.timestamp ?? out[i]?.timestamp }));
  assert.deepEqual(out, wanted);
  const dropped = expected.find((line) => line.dropped !== undefined)?.dropped ?? {};
  assert.deepEqual(stage.drops, dropped);
  for (const { metric, labels, value } of expected.filter((line) => line.metric !== undefined)) {
    assert.equal(stage.metric(metric, labels), value, `metric ${metric} ${JSON.stringify(labels ?? {})}`);
  }
}

