// What a stage has of kernels without a host: sets of rows, and refusals. The suite `kernels` has the rest.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Rows } from "../index.js";
import { Harness } from "../harness.js";

/** @param {number[]} rows @param {number} count */
function of(rows, count) {
  const bits = new Uint8Array((count + 7) >> 3);
  for (const row of rows) bits[row >> 3] |= 1 << (row & 7);
  return new Rows(bits, count);
}

test("rows are a set", () => {
  for (const count of [0, 1, 7, 8, 9, 64, 1000]) {
    const all = Array.from({ length: count }, (_, row) => row);
    const [third, even] = [(row) => row % 3 === 0, (row) => row % 2 === 0];
    const [a, b] = [of(all.filter(third), count), of(all.filter(even), count)];
    assert.deepEqual([...a], all.filter(third));
    assert.equal(b.size, all.filter(even).length);
    assert.deepEqual([...a.union(b)], all.filter((row) => third(row) || even(row)));
    assert.deepEqual([...a.intersection(b)], all.filter((row) => third(row) && even(row)));
    assert.deepEqual([...a.difference(b)], all.filter((row) => third(row) && !even(row)));
    assert.deepEqual([...a.complement()], all.filter((row) => !third(row)));
    assert.deepEqual(all.map((row) => a.has(row)), all.map(third));
    assert.equal(a.has(count), false);
  }
});

test("there is no batch in tick", () => {
  class Late {
    constructor(_settings, setup) {
      this.pattern = setup.pattern("a");
    }
    process(batch, now) {
      this.batch = batch;
      batch.out.wakeAt(now + 1n);
    }
    tick() {
      this.batch.matches(this.pattern);
    }
  }
  const stage = new Harness(Late);
  stage.push(["a"]);
  assert.throws(() => stage.advance(1), /only while `process` runs/);
});

test("what is not RE2 is refused", () => {
  for (const expression of ["a(?=b)", "(a)\\1", "(?<!a)b", "("]) {
    const Of = class {
      constructor(_settings, setup) {
        setup.pattern(expression);
      }
      process() {}
    };
    assert.notEqual(Harness.refusal(Of), "", expression);
  }
});

test("what the page shows does what it says", () => {
  const page = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [, , example] = [...page.matchAll(/```js\n([^]*?)```/g)];
  const code = `${example[1].replace("export default", "return")}`;
  const Orders = new Function("luhn", code)((text) => text.endsWith("1"));
  const stage = new Harness(Orders);
  const out = stage.push(['{"user": {"name": "kim"}}', "INFO é 4111111111111111", "WARN 4111111111111112", "DEBUG"]);
  assert.deepEqual(out.map((row) => row.line), ['{"user": {"name": "kim"}}', `INFO é ${"*".repeat(16)}`, "WARN 4111111111111112"]);
  assert.deepEqual(out.map((row) => row.fields), [{ user: "kim" }, { level: "INFO" }, { level: "WARN" }]);
  assert.equal(stage.dropped("debug"), 1);
});
