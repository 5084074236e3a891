// The SDK as an author meets it: small stages, driven by the harness.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Harness, START } from "../harness.js";
import { Instance } from "../src/instance.js";
import { batchOf } from "../src/harness/cross.js";
import { rowOf } from "../src/harness/row.js";
import { Actor, Triples } from "./stages.js";

/** @param {string} act @param {string[]} declares */
const actor = (act, declares) => new Harness(Actor, { act, declares });

test("held rows keep their columns outside", () => {
  const stage = new Harness(Triples);
  const row = (line, s) => ({ line, timestamp: 1n, labels: { s }, fields: { f: line } });
  assert.deepEqual(stage.push([row("a", "1"), row("x", "2"), row("b", "1")]), []);
  assert.deepEqual(stage.held, [0n, 1n, 2n]);
  assert.deepEqual(stage.push([row("c", "1"), row("d", "1")]), [rowOf({ ...row("a", "1"), line: "abc" })]);
  assert.deepEqual(stage.held, [1n, 4n]);
  assert.equal(stage.merged, 2);
  assert.deepEqual(stage.flush().map((out) => out.line), ["x", "d"]);
  assert.equal(stage.metric("joined", { kind: "triple" }), 3);
});

test("time moves only by advancing", () => {
  const stage = new Harness(Triples);
  assert.deepEqual(stage.push(["a"]), []);
  assert.equal(stage.wakeAt, START + 1_000_000_000n);
  assert.deepEqual(stage.advance(999), []);
  assert.deepEqual(stage.advance(1).map((row) => row.line), ["a"]);
  assert.equal(stage.wakeAt, undefined);
});

test("a fresh instance knows what is held", () => {
  const rows = (from, to) => Array.from({ length: to - from }, (_, i) => ({ line: `${from + i}`, labels: { s: `${(from + i) % 3}` } }));
  for (let cut = 0; cut < 9; cut++) {
    const steady = new Harness(Triples);
    const replaced = new Harness(Triples);
    const outs = [steady.push(rows(0, cut)), replaced.push(rows(0, cut))];
    assert.deepEqual(replaced.replay(), []);
    assert.deepEqual(steady.held, replaced.held);
    outs[0].push(...steady.push(rows(cut, 9)));
    outs[1].push(...replaced.push(rows(cut, 9)));
    assert.deepEqual(outs[0], outs[1], `cut at ${cut}`);
  }
});

test("undeclared columns fail by name", () => {
  for (const [act, says] of [
    ["line", "uses lines without declaring it: its constructor must call `setup.readsLines()`"],
    ["timestamp", "`setup.readsTimestamps()`"],
    ["label", "`setup.readsLabels()`"],
    ["field", '`setup.readsField("a")`'],
    ["metadata", '`setup.readsMetadata("a")`'],
  ]) {
    assert.throws(() => actor(act, []).push(["x"]), (error) => error.message.includes(says), act);
  }
  assert.deepEqual(actor("field", ["a"]).lines(["x"]), ["x"]);
});

test("everything an entry can change changes", () => {
  const stage = actor("all", ["lines", "timestamps", "labels", "fields", "metadata"]);
  const row = (line) => ({ line, timestamp: 1n, labels: { gone: "1", kept: "1" }, metadata: { gone: "1" } });
  const out = stage.push([
    { ...row("a"), fields: { f: "x" } },
    row("drop"),
    { ...row("é"), metadata: { gone: "1", kept: "1" } },
  ]);
  const changed = (line, f, metadata = {}) =>
    rowOf({ line: `${line}!`, timestamp: 2n, labels: { kept: "1", l: f }, fields: { new: line }, metadata: { m: "v", ...metadata } });
  assert.deepEqual(out, [changed("a", "x"), changed("é", "none", { kept: "1" })]);
  assert.deepEqual(stage.drops, { asked: 1 });
  assert.equal(stage.merged, 0);
});

test("only touched columns come back", () => {
  const instance = new Instance(Actor, '{"act": "none", "declares": ["lines"]}');
  assert.equal(instance.interest.lines, true);
  assert.equal(instance.interest.labels, false);
  const edit = instance.process(batchOf(0n, [rowOf("x")], instance.interest.toContract()), START);
  assert.equal(edit.lines, undefined);
  assert.equal(edit.origins, undefined);
  assert.deepEqual(edit.setFields, []);
});

test("contradictions fail the call", () => {
  for (const [act, says] of [
    ["mixed", "sets origins"],
    ["both", "both as a whole column"],
    ["fail", "no luck"],
  ]) {
    assert.throws(() => actor(act, ["lines", "f"]).push(["x"]), (error) => error.message.includes(says), act);
  }
});

test("breaches of the contract are told", () => {
  for (const [act, says] of [
    ["short", "lines: 0 values for 1"],
    ["overcount", "1 rows counted as dropped, but only 0 vanished"],
    ["strangers", "origin 99 is neither of the batch nor held"],
    ["hold", "without `setup.holds()`"],
  ]) {
    assert.throws(() => actor(act, ["lines"]).push(["x"]), (error) => error.message.includes(says), act);
  }
});
