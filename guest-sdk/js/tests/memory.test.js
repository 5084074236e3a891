// A stage that runs for days keeps nothing of the batches behind it.

import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { START } from "../harness.js";
import { batchOf } from "../src/harness/cross.js";
import { rowOf } from "../src/harness/row.js";
import { Instance } from "../src/instance.js";
import { Actor } from "./stages.js";

v8.setFlagsFromString("--expose-gc");
const gc = vm.runInNewContext("gc");

test("ten thousand calls leave nothing behind", () => {
  const declares = ["lines", "timestamps", "labels", "fields", "metadata"];
  const instance = new Instance(Actor, JSON.stringify({ act: "all", declares }));
  const rows = ["a", "drop", "é"].map((line, i) => rowOf({ line, labels: { s: `${i}` }, fields: { f: line } }));
  const used = (calls) => {
    for (let call = 0; call < calls; call++) {
      instance.process(batchOf(BigInt(3 * call), rows, instance.interest.toContract()), START);
    }
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used(2_000);
  const grown = used(10_000) - before;
  // Less than a byte or two a call: what is left is the engine's own bookkeeping.
  assert.ok(grown < 300_000, `${grown} bytes after 10,000 calls`);
});
