import assert from "node:assert/strict";
import { test } from "node:test";
import { Harness, cases } from "../../../guest-sdk/js/harness.js";
import Redact from "./stage.js";

for (const { name, run } of cases(Redact, new URL("cases", import.meta.url))) test(name, run);

test("an untouched batch comes back as it was", () => {
  const stage = new Harness(Redact);
  assert.deepEqual(stage.lines(["2026-01-02 03:04:05.678", "1234 5678 9012 3456"]), ["2026-01-02 03:04:05.678", "1234 5678 9012 3456"]);
  assert.equal(stage.metric("redacted_total", { kind: "card" }), 0);
});

test("a number does not begin in one line and end in the next", () => {
  assert.deepEqual(new Harness(Redact).lines(["41111111", "11111111"]), ["41111111", "11111111"]);
});
