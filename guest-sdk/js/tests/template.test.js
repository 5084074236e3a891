// What `plugin new --lang js` writes passes its tests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const sdk = fileURLToPath(new URL("..", import.meta.url));

test("the template passes at once", () => {
  const plugin = mkdtempSync(path.join(os.tmpdir(), "millstream-js-"));
  try {
    cpSync(path.join(sdk, "template"), plugin, { recursive: true });
    for (const file of readdirSync(plugin, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const place = path.join(file.parentPath ?? file.path, file.name);
      writeFileSync(place, readFileSync(place, "utf8").replaceAll("{{name}}", "words"));
    }
    symlinkSync(sdk, path.join(plugin, "sdk"));
    // Without the variable by which the runner of this test tells its children to answer in its own format.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const run = spawnSync(process.execPath, ["--test", "--test-reporter=tap", "stage.test.js"], { cwd: plugin, env, encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    assert.match(run.stdout, /# pass 4/);
  } finally {
    rmSync(plugin, { recursive: true });
  }
});
