// Drives a stage's core module through the canonical ABI, word by word, without a component and without an SDK:
//
//     node drive.mjs MODULE.wasm SETTINGS [CALLS]
//
// Lines come from stdin, one row each, and what comes out goes to stdout. With CALLS the same batch is sent so often,
// and the memory must not grow after the first tenth. What guest-sdk/wit/README.md says is what this file does.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [path, settings, calls = '1'] = process.argv.slice(2);
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

// Read first: a runtime that initializes WASI may make stdin non-blocking.
const rows = readFileSync(0, 'utf8').split('\n').slice(0, -1).map(encode);

let exports;
const view = () => new DataView(exports.memory.buffer);
const bytes = (at, size) => new Uint8Array(exports.memory.buffer, at, size);
const word = (at) => view().getUint32(at, true);

function give(data, align) {
  const at = exports.cabi_realloc(0, 0, align, data.length) >>> 0;
  bytes(at, data.length).set(data);
  return at;
}
const text = (at) => decode(bytes(word(at), word(at + 4)));
const list = (at, size, read) => Array.from({ length: word(at + 4) }, (_, index) => read(word(at) + index * size));
const column = (at) => {
  const ends = list(at + 8, 4, word);
  return ends.map((end, row) => decode(bytes(word(at) + (row ? ends[row - 1] : 0), end - (row ? ends[row - 1] : 0))));
};

const metrics = [];
const values = new Map();
const series = (metric, at, count) =>
  `${metrics[metric]}${JSON.stringify(Array.from({ length: count }, (_, index) => text(at + index * 8)))}`;
const host = {
  log: (level, at, size) => process.stderr.write(`log ${level}: ${decode(bytes(at, size))}\n`),
  register(kind, name, nameSize, help, helpSize, labels, labelCount, buckets, bucketCount, answer) {
    metrics.push(decode(bytes(name, nameSize)));
    view().setUint8(answer, 0);
    view().setUint32(answer + 4, metrics.length - 1, true);
  },
  add(metric, at, count, value) {
    const key = series(metric, at, count);
    values.set(key, (values.get(key) ?? 0) + value);
  },
  set: (metric, at, count, value) => values.set(series(metric, at, count), value),
};

const module = new WebAssembly.Module(readFileSync(path));
const wasi = new WASI({ version: 'preview1' });
const imports = { 'millstream:stage/host@1.0.0': host };
if (WebAssembly.Module.imports(module).some(({ module }) => module === 'wasi_snapshot_preview1')) {
  Object.assign(imports, wasi.getImportObject());
}
const instance = new WebAssembly.Instance(module, imports);
exports = instance.exports;
if (exports._initialize && imports.wasi_snapshot_preview1) {
  wasi.initialize(instance);
} else {
  exports._initialize?.();
}

const given = encode(settings);
let answer = exports.configure(give(given, 1), given.length);
if (view().getUint8(answer)) {
  console.log(`refused: ${text(answer + 4)}`);
  process.exit(0);
}
const [timestamps, lines, labels] = [4, 5, 6].map((at) => view().getUint8(answer + at) === 1);
exports.cabi_post_configure?.(answer);

const all = new Uint8Array(rows.reduce((sum, row) => sum + row.length, 0));
const ends = new Uint32Array(rows.length);
rows.reduce((start, row, index) => (all.set(row, start), (ends[index] = start + row.length)), 0);

let id = 0n;
let size = 0;
let last = [];
const started = process.hrtime.bigint();
for (let call = 0; call < Number(calls); call += 1) {
  // The arguments (log-batch, now) do not fit 16 flat values, so they lie in memory: 112 bytes, aligned to 8.
  const lineBytes = lines ? give(all, 1) : 0;
  const lineEnds = lines ? give(new Uint8Array(ends.buffer), 4) : 0;
  const at = exports.cabi_realloc(0, 0, 8, 112) >>> 0;
  bytes(at, 112).fill(0);
  view().setBigUint64(at, id, true);
  view().setUint32(at + 8, rows.length, true);
  if (lines) {
    [lineBytes, all.length, lineEnds, ends.length].forEach((value, index) => view().setUint32(at + 20 + index * 4, value, true));
  }
  if (timestamps) {
    const list = new BigInt64Array(rows.length).fill(1767225600000000000n);
    [give(new Uint8Array(list.buffer), 8), rows.length].forEach((value, index) => view().setUint32(at + 12 + index * 4, value, true));
  }
  if (labels) {
    // One label set, and it is empty.
    const streams = give(new Uint8Array(rows.length * 4), 4);
    const ends = give(new Uint8Array(4), 4);
    [streams, rows.length, ends, 1].forEach((value, index) => view().setUint32(at + 36 + index * 4, value, true));
  }
  view().setBigInt64(at + 104, 1767225600000000000n, true);
  id += BigInt(rows.length);
  answer = exports.process(at) >>> 0;
  if (view().getUint8(answer)) {
    console.log(`failed: ${text(answer + 8)}`);
    process.exit(0);
  }
  if (call === 0) {
    // The edit lies at 8: origins 0, lines 12, timestamps 32, streams 44, labels 56, fields 100, metadata 108, drops 116.
    const origins = view().getUint8(answer + 8) ? list(answer + 12, 8, (at) => view().getBigUint64(at, true)) : null;
    const out = view().getUint8(answer + 20) ? column(answer + 24) : null;
    last = out ?? (origins ? origins.map((id) => decode(rows[Number(id)])) : rows.map(decode));
  }
  exports.cabi_post_process?.(answer);
  if (call === Math.floor(Number(calls) / 10)) size = exports.memory.buffer.byteLength;
}
const nanos = Number(process.hrtime.bigint() - started) / Number(calls) / Math.max(rows.length, 1);
last.forEach((line) => console.log(line));
for (const [key, value] of values) console.log(`${key} ${value}`);
if (Number(calls) > 1) {
  const now = exports.memory.buffer.byteLength;
  process.stderr.write(`${calls} calls, ${nanos.toFixed(0)} ns a line, memory ${size} → ${now} bytes\n`);
  if (now > size) {
    process.stderr.write('the memory grew\n');
    process.exit(1);
  }
}
