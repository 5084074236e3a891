// Write a Millstream stage in JavaScript or TypeScript. README.md beside this file is the one page an author needs.

/// <reference types="./index.d.ts" />
export { Batch } from "./src/batch.js";
export { Entry } from "./src/entry.js";
export { Field } from "./src/field.js";
export { Hold } from "./src/hold.js";
export { log } from "./src/host.js";
export { LINES, Rows, column } from "./src/kernel.js";
export { LabelSets, isLabelName } from "./src/labels.js";
export { Counter, Gauge, Histogram } from "./src/metric.js";
export { Failure, Refusal } from "./src/outcome.js";
export { Output } from "./src/output.js";
export { setting } from "./src/settings.js";
export { Setup } from "./src/setup.js";
export { TextColumn } from "./src/text.js";
