import assert from "node:assert/strict";
import { test } from "node:test";
import { Harness, cases } from "./sdk/harness.js";
import Plugin from "./stage.js";

test("the word is replaced and counted", () => {
  const stage = new Harness(Plugin, { word: "secret" });
  assert.deepEqual(stage.lines(["a secret, secret", "nothing"]), ["a ***, ***", "nothing"]);
  assert.equal(stage.metric("{{name}}_total"), 2);
});

test("a word is needed", () => {
  assert.match(Harness.refusal(Plugin, {}), /`word`/);
  assert.match(Harness.refusal(Plugin, { word: "" }), /`word`/);
});

for (const { name, run } of cases(Plugin, new URL("cases", import.meta.url))) test(name, run);
