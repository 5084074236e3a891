// Settings: read by their declaration, refused by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, setting } from "../index.js";
import { parseSettings } from "../src/settings.js";

const SCHEMA = {
  mask: setting.text("*"),
  wait: setting.duration(3_000_000_000n),
  action: setting.oneOf(["keep", "drop"], "keep"),
  sizes: setting.list(setting.integer(), []),
  values: setting.map(setting.text(), new Map()),
  limits: setting.group({ rate: setting.number(), burst: setting.number(undefined) }, undefined),
};

test("what is not given takes its default", () => {
  for (const json of ["{}", "null", "", " "]) {
    const settings = parseSettings(SCHEMA, json);
    assert.deepEqual({ mask: settings.mask, wait: settings.wait, limits: settings.limits }, { mask: "*", wait: 3_000_000_000n, limits: undefined });
  }
});

test("every kind is read", () => {
  const json = '{"mask":"#","wait":"1m1.5s","action":"drop","sizes":[1,2],"values":{"a":"b"},"limits":{"rate":0.5}}';
  assert.deepEqual(parseSettings(SCHEMA, json), {
    mask: "#",
    wait: 61_500_000_000n,
    action: "drop",
    sizes: [1, 2],
    values: new Map([["a", "b"]]),
    limits: { rate: 0.5, burst: undefined },
  });
});

test("refusals name the setting", () => {
  for (const [json, says] of [
    ['{"maks":1}', "unknown setting `maks`: expected one of `mask`, `wait`"],
    ['{"limits":{"rat":1}}', "unknown setting `limits.rat`"],
    ['{"limits":{}}', "missing setting `limits.rate`"],
    ['{"mask":1}', "setting `mask`: got the number 1, expected a text"],
    ['{"mask":null}', "setting `mask`: got nothing"],
    ['{"wait":"3 s"}', 'setting `wait`: got the text "3 s", expected a duration'],
    ['{"action":"x"}', "expected one of `keep`, `drop`"],
    ['{"sizes":[1,1.5]}', "setting `sizes[1]`: got the number 1.5, expected a whole number"],
    ['{"values":{"a":true}}', "setting `values.a`: got true"],
    ["[]", "expected a mapping"],
    ["{", "no JSON"],
  ]) {
    assert.throws(() => parseSettings(SCHEMA, json), (error) => error instanceof Refusal && error.message.includes(says), json);
  }
  assert.throws(() => parseSettings({}, '{"a":1}'), /there are no settings/);
});
