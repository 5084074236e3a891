#!/usr/bin/env node
// Makes a component of a stage: node sdk/build.js stage.js -o build/NAME.wasm
//
// The stage and this SDK become one module (rolldown, which also takes the types out of TypeScript), and that
// becomes a component around the engine StarlingMonkey (componentize-js). Everything the engine could ask a host
// for beyond `millstream:stage` is disabled, so the component imports nothing else. The packages come from
// node_modules of the plugin's folder, else from the tool chains a checkout of Millstream installs (.ci/guests/js.sh).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What is needed. componentize-js needs preview2-shim and does not say so; from 0.26 on it shows it no files. */
const PACKAGES = {
  "@bytecodealliance/componentize-js": "0.23.0",
  "@bytecodealliance/preview2-shim": "0.25.0",
  rolldown: "1.3.2",
};
const NOT_GRANTED = ["stdio", "random", "clocks", "http", "fetch-event"];

const sdk = path.dirname(fileURLToPath(import.meta.url));

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}

/**
 * A package from where it is installed. By hand: `require.resolve` does not find packages that can only be imported.
 * @param {keyof typeof PACKAGES} name
 */
async function tool(name) {
  const places = [process.env.MILLSTREAM_TOOLS && path.join(process.env.MILLSTREAM_TOOLS, "node")];
  places.push(path.join(sdk, "../../target/tools/node"));
  for (let at = process.cwd(); at !== path.dirname(at); at = path.dirname(at)) places.unshift(at);
  for (const place of places) {
    const folder = place && path.join(place, "node_modules", name);
    if (!folder || !existsSync(path.join(folder, "package.json"))) continue;
    const { exports } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const main = exports["."] ?? exports;
    return import(pathToFileURL(path.join(folder, main.import ?? main.default ?? main)).href);
  }
  return fail(
    `the package ${name} is not installed. In the plugin's folder run:\n` +
      `  npm install --save-dev ${Object.entries(PACKAGES).map(([other, version]) => `${other}@${version}`).join(" ")}`,
  );
}

/** The folder with the contract. */
function wit() {
  return process.env.MILLSTREAM_WIT || path.join(sdk, "wit");
}

/** @param {string} to */
function imported(to) {
  return JSON.stringify(pathToFileURL(to).pathname);
}

const [source, flag, output] = process.argv.slice(2);
if (source === undefined || flag !== "-o" || output === undefined) fail("usage: node build.js STAGE.js -o OUTPUT.wasm");

const { rolldown } = await tool("rolldown");
const { componentize } = await tool("@bytecodealliance/componentize-js");

const folder = path.dirname(path.resolve(output));
mkdirSync(folder, { recursive: true });
const entry = path.join(folder, "component.js");
writeFileSync(
  entry,
  `import * as host from "millstream:stage/host@1.0.0";
import * as kernels from "millstream:stage/kernels@1.0.0";
import { expose } from ${imported(path.join(sdk, "src/component.js"))};
import Stage from ${imported(path.resolve(source))};
export const { configure, process, tick, flush } = expose(Stage, { ...host, ...kernels });
`,
);
const bundle = await rolldown({ input: entry, external: /^millstream:/, logLevel: "warn" });
const { output: [chunk] } = await bundle.generate({ format: "esm" });
const module = path.join(folder, "stage.js");
writeFileSync(module, chunk.code);

const { component } = await componentize({
  sourcePath: module,
  witPath: wit(),
  worldName: "log-stage",
  disableFeatures: NOT_GRANTED,
});
writeFileSync(output, component);
