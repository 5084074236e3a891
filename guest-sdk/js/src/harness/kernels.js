// The kernels of the host, on rows of a harness.
//
// JavaScript's RegExp stands in for RE2: of what both know it means the same. What RE2 does not have (look-around,
// back-references) is refused here, too. `millstream plugin test` runs the cases in the agent's own.

import { Field } from "../field.js";
import { Rows } from "../kernel.js";

/** @typedef {import("./row.js").Row} Row */
/** @typedef {import("../../index.js").contract.Column} Column */
/** @typedef {import("../../index.js").contract.Patch} Patch */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Compiled kernels, and the rows of the call at hand. */
export class Kernels {
  constructor() {
    /** @type {RegExp[]} */
    this.patterns = [];
    /** @type {[string, string][][]} */
    this.compiledPointers = [];
    /** @type {Row[] | undefined} */
    this.atHand = undefined;
    /** @type {Map<number, string>} */
    this.droppedRows = new Map();
  }

  /** Hands over the rows of a call to `process`. @param {Row[]} rows */
  begin(rows) {
    this.atHand = rows.map((row) => ({ ...row, fields: { ...row.fields }, metadata: { ...row.metadata } }));
    this.droppedRows = new Map();
  }

  /** Takes back the rows as kernels left them, and which of them are dropped. */
  end() {
    const rows = this.rows;
    this.atHand = undefined;
    return { rows, dropped: this.droppedRows };
  }

  get rows() {
    if (this.atHand === undefined) throw new Error("kernels: there is a batch only while `process` runs");
    return this.atHand;
  }

  /** @param {string} expression */
  pattern(expression) {
    return this.patterns.push(regExp(expression)) - 1;
  }

  /** @param {[string, string][]} named */
  pointers(named) {
    for (const [, pointer] of named) {
      if (!pointer.startsWith("/")) throw { payload: `\`${pointer}\` is no JSON pointer: it begins with \`/\`` };
    }
    return this.compiledPointers.push(named) - 1;
  }

  /** @param {number} pattern @param {Column} of */
  matches(pattern, of) {
    const bits = new Uint8Array((this.rows.length + 7) >> 3);
    for (const [row, text] of this.texts(of)) {
      if (text.search(this.patterns[pattern]) >= 0) bits[row >> 3] |= 1 << (row & 7);
    }
    return bits;
  }

  /** @param {number} pattern @param {Column} of */
  find(pattern, of) {
    return this.texts(of).flatMap(([row, text]) =>
      Array.from(text.matchAll(this.patterns[pattern]), (found) => {
        const start = bytes(text.slice(0, found.index));
        return { row, start, end: start + bytes(found[0]), text: found[0] };
      }),
    );
  }

  /** @param {number} pattern @param {Column} of @param {"fields" | "metadata"} into */
  extract(pattern, of, into) {
    let count = 0;
    for (const [row, text] of this.texts(of)) {
      const found = text.matchAll(this.patterns[pattern]).next().value;
      if (found === undefined) continue;
      count++;
      for (const [name, value] of Object.entries(found.groups ?? {})) this.rows[row][into][name] = value ?? "";
    }
    return count;
  }

  /** @param {number} pattern @param {Column} of @param {string} text */
  replace(pattern, of, text) {
    return this.rewrite(of, (old) =>
      old.replace(this.patterns[pattern], (...found) => {
        const groups = typeof found.at(-1) === "object" ? found.at(-1) : {};
        return text.replace(/\$(?:\$|\{(\w+)\}|(\d+))/g, (_, braced, number) => {
          const name = braced ?? number;
          if (name === undefined) return "$";
          const value = /^\d+$/.test(name) ? found[name] : groups[name];
          return typeof value === "string" ? value : "";
        });
      }),
    );
  }

  /** @param {number} pointers @param {Column} of @param {"fields" | "metadata"} into */
  pluck(pointers, of, into) {
    let count = 0;
    for (const [row, text] of this.texts(of)) {
      let document;
      try {
        document = JSON.parse(text);
      } catch {
        continue;
      }
      count++;
      for (const [name, pointer] of this.compiledPointers[pointers]) {
        const value = follow(document, pointer);
        if (value !== undefined) this.rows[row][into][name] = value;
      }
    }
    return count;
  }

  /** @param {Column} of @param {Patch[]} patches */
  splice(of, patches) {
    patches.forEach((patch, i) => {
      const before = patches[i - 1];
      const behind = before === undefined || before.row < patch.row || (before.row === patch.row && before.end <= patch.start);
      if (!behind) throw new Error(`the patch of row ${patch.row}, bytes ${patch.start}..${patch.end} is not behind the one before it`);
    });
    this.rewrite(of, (old, row) => {
      const data = encoder.encode(old);
      let text = "";
      let done = 0;
      for (const patch of patches.filter((patch) => patch.row === row)) {
        if (patch.end < patch.start || patch.end > data.length) throw new Error(`the patch of row ${row} does not fit its value`);
        text += decoder.decode(data.subarray(done, patch.start)) + patch.text;
        done = patch.end;
      }
      return text + decoder.decode(data.subarray(done));
    });
  }

  /** @param {Uint8Array} bits @param {string} reason */
  dropRows(bits, reason) {
    for (const row of new Rows(bits, this.rows.length)) {
      if (!this.droppedRows.has(row)) this.droppedRows.set(row, reason);
    }
  }

  /** @param {Column} of */
  read(of) {
    const values = Array(this.rows.length);
    for (const [row, text] of this.texts(of)) values[row] = text;
    return values.some((value) => value !== undefined) ? Field.from(of.val ?? "", values) : undefined;
  }

  /** The rows that have a value, with it. @param {Column} of @returns {[number, string][]} */
  texts(of) {
    return this.rows.flatMap((row, place) => {
      const value = of.tag === "lines" ? row.line : row[of.tag === "field" ? "fields" : "metadata"][of.val];
      return value === undefined ? [] : [/** @type {[number, string]} */ ([place, value])];
    });
  }

  /** @param {Column} of @param {(old: string, row: number) => string} change */
  rewrite(of, change) {
    let changed = 0;
    for (const [row, old] of this.texts(of)) {
      const value = change(old, row);
      if (value === old) continue;
      changed++;
      if (of.tag === "lines") this.rows[row].line = value;
      else this.rows[row][of.tag === "field" ? "fields" : "metadata"][of.val] = value;
    }
    return changed;
  }
}

/** An RE2 expression as RegExp has it. @param {string} expression */
function regExp(expression) {
  if (/\(\?(?:=|!|<=|<!|P=|>|#)/.test(expression) || /\\[1-9]/.test(expression)) {
    throw { payload: `\`${expression}\` is not RE2: it has no look-around and no back-references` };
  }
  const [, flags = "", rest = ""] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(expression) ?? [];
  const source = rest.replaceAll("(?P<", "(?<").replaceAll("\\z", "$").replaceAll("\\A", "^");
  try {
    return new RegExp(source, `${flags}gu`);
  } catch (error) {
    throw { payload: `${error instanceof Error ? error.message : error} in \`${expression}\`` };
  }
}

/** @param {any} value @param {string} pointer @returns {string | undefined} */
function follow(value, pointer) {
  for (const step of pointer.slice(1).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  if (value === null || value === undefined) return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @param {string} text */
function bytes(text) {
  return encoder.encode(text).length;
}
