// What `plugin new --lang js` writes passes its tests, and so does what README.md shows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const sdk = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs `stage.test.js` of a folder made by `write`.
 * @param {(plugin: string) => void} write
 */
function passes(write) {
  const plugin = mkdtempSync(path.join(os.tmpdir(), "millstream-js-"));
  try {
    write(plugin);
    symlinkSync(sdk, path.join(plugin, "sdk"));
    // Without the variable by which the runner of this test tells its children to answer in its own format.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const command = ["--test", "--test-reporter=tap", "stage.test.js"];
    const run = spawnSync(process.execPath, command, { cwd: plugin, env, encoding: "utf8" });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    return Number(/# pass (\d+)/.exec(run.stdout)?.[1]);
  } finally {
    rmSync(plugin, { recursive: true });
  }
}

test("the template passes at once", () => {
  const tests = passes((plugin) => {
    cpSync(path.join(sdk, "template"), plugin, { recursive: true });
    for (const file of readdirSync(plugin, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const place = path.join(file.parentPath ?? file.path, file.name);
      writeFileSync(place, readFileSync(place, "utf8").replaceAll("{{name}}", "words"));
    }
  });
  assert.equal(tests, 4);
});

test("the example of README.md passes its test", () => {
  const tests = passes((plugin) => {
    const [stage, its] = [...readFileSync(path.join(sdk, "README.md"), "utf8").matchAll(/```js\n([^]*?)```/g)];
    writeFileSync(path.join(plugin, "package.json"), '{ "type": "module" }');
    writeFileSync(path.join(plugin, "stage.js"), stage[1]);
    writeFileSync(path.join(plugin, "stage.test.js"), its[1]);
    mkdirSync(path.join(plugin, "cases"));
  });
  assert.equal(tests, 1);
});
