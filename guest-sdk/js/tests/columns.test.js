// Columns: bytes and text, rows that change, rows that match.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Field, LabelSets, TextColumn } from "../index.js";
import { FieldEdit } from "../src/field.js";
import { TextEdit } from "../src/text.js";

const SAMPLES = ["", "a", "no card", "é", "주민번호", "😀 4111", "\ufeffmark", "\0"];

/** A generator of its own, so that a failing run can be repeated. @param {number} seed */
const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;

test("a column gives back what it was made of", () => {
  const column = TextColumn.from(SAMPLES);
  assert.deepEqual([...column], SAMPLES);
  assert.equal(column.isAscii, false);
  assert.equal(TextColumn.from(["a", "b"]).isAscii, true);
  assert.throws(() => column.get(SAMPLES.length), RangeError);
});

test("halves of a surrogate pair do not meet", () => {
  assert.deepEqual([...TextColumn.from(["\ud83d", "\ude00"])], ["\ufffd", "\ufffd"]);
});

test("an edited column is the one written anew", () => {
  const next = random(7);
  const pick = (list) => list[Math.floor(next() * list.length)];
  for (let round = 0; round < 500; round++) {
    const values = Array.from({ length: Math.floor(next() * 12) }, () => pick(SAMPLES));
    const edit = new TextEdit(TextColumn.from(values));
    values.forEach((_, row) => {
      if (next() < 0.4) edit.texts[row] = values[row] = pick(SAMPLES);
    });
    const column = edit.finish();
    assert.deepEqual([...column], values, `round ${round}`);
    assert.deepEqual(column.bytes, TextColumn.from(values).bytes, `round ${round}`);
  }
});

test("an edited field keeps the rows that were not touched", () => {
  const next = random(8);
  for (let round = 0; round < 500; round++) {
    const values = Array.from({ length: 1 + Math.floor(next() * 20) }, () => (next() < 0.5 ? "v" : undefined));
    const original = next() < 0.3 ? undefined : Field.from("f", values);
    if (original === undefined) values.fill(undefined);
    const edit = new FieldEdit("f", original, values.length);
    values.forEach((_, row) => {
      if (next() < 0.4) {
        values[row] = next() < 0.5 ? `${row}` : undefined;
        edit.values[row] = values[row] ?? null;
      }
    });
    assert.deepEqual([...edit.finish()], values, `round ${round}`);
    const kept = values.map((_, row) => row).filter(() => next() < 0.5);
    assert.deepEqual([...edit.finish().pick(kept)], kept.map((row) => values[row]), `round ${round}`);
  }
});

test("matching rows are those that match by themselves", () => {
  const next = random(9);
  for (let round = 0; round < 1000; round++) {
    const letters = round % 2 === 0 ? "ab1-" : "ab1é";
    const values = Array.from({ length: Math.floor(next() * 12) }, () =>
      Array.from({ length: Math.floor(next() * 5) }, () => letters[Math.floor(next() * 4)]).join(""),
    );
    for (const pattern of [/a1/, /1+/, /b-?b/, /[^a]1/, /a*/, /(?:a|ab)1/i]) {
      const expected = values.map((_, row) => row).filter((row) => pattern.test(values[row]));
      assert.deepEqual([...TextColumn.from(values).rowsMatching(pattern)], expected, `${pattern} in ${values} (round ${round})`);
    }
  }
});

test("a pattern that looks beyond its match is refused", () => {
  for (const pattern of [/^a/, /a$/, /\ba/, /a\B/, /(?=a)b/, /(?<!a)b/, /a/y]) {
    assert.throws(() => [...TextColumn.from(["a"]).rowsMatching(pattern)], /looks beyond its match/, `${pattern}`);
  }
  assert.deepEqual([...TextColumn.from(["$", "^", "a"]).rowsMatching(/\$|[$^]/)], [0, 1]);
});

test("label sets are sorted as their bytes are", () => {
  const sets = LabelSets.from([{ b: "2", a: "1" }, new Map([["\u{1f600}", "x"], ["\uffff", "y"]])]);
  assert.deepEqual([...sets.get(0)], [["a", "1"], ["b", "2"]]);
  assert.deepEqual([...sets.get(1).keys()], ["\uffff", "\u{1f600}"]);
});
