// Masks card and resident-registration numbers in lines, and counts what it masked.
//
// One regex runs over the whole column and finds the few lines with thirteen digits near each other; only those are
// looked at by themselves. Its digits are written out one by one, not as `{13}`: so the engine knows what may stand
// at each of the next places and leaps over text that cannot match, which is ten times faster.

import { Refusal, setting } from "../../../guest-sdk/js/index.js";

const CANDIDATE = new RegExp(`${"\\d[ -]?".repeat(12)}\\d`, "g");
const RESIDENT = /\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?!\d)/y;
const RUN = /\d+/y;

export default class Redact {
  static settings = {
    cards: setting.bool(true),
    resident_numbers: setting.bool(true),
    mask: setting.text("*"),
  };

  /**
   * @param {import("../../../guest-sdk/js/index.js").Settings<typeof Redact.settings>} settings
   * @param {import("../../../guest-sdk/js/index.js").Setup} setup
   */
  constructor(settings, setup) {
    if (!settings.cards && !settings.resident_numbers) {
      throw Refusal.setting("cards", "is false and so is `resident_numbers`: there is nothing to mask");
    }
    if ([...settings.mask].length !== 1) throw Refusal.setting("mask", "must be exactly one character");
    this.settings = settings;
    this.found = { card: 0, resident: 0 };
    setup.readsLines();
    this.redacted = setup.counter("redacted_total", "Numbers masked.", ["kind"]);
  }

  /** @param {import("../../../guest-sdk/js/index.js").Batch} batch */
  process(batch) {
    this.found = { card: 0, resident: 0 };
    for (const row of batch.lines.rowsMatching(CANDIDATE)) {
      const entry = batch.at(row);
      const line = entry.line;
      const masked = this.masked(line);
      if (masked !== line) entry.line = masked;
    }
    for (const kind of /** @type {const} */ (["card", "resident"])) {
      if (this.found[kind] > 0) this.redacted.add(this.found[kind], { kind });
    }
  }

  /** @param {string} line */
  masked(line) {
    let masked = "";
    let done = 0;
    for (let from = 0; ; ) {
      CANDIDATE.lastIndex = from;
      const candidate = CANDIDATE.exec(line);
      if (candidate === null) return masked + line.slice(done);
      const start = candidate.index;
      const number = this.resident(line, start) ?? this.card(line, start);
      if (number === undefined) {
        RUN.lastIndex = start;
        RUN.test(line);
        from = RUN.lastIndex;
        continue;
      }
      masked += line.slice(done, start) + number.masked;
      done = from = start + number.length;
      this.found[number.kind]++;
    }
  }

  /**
   * The resident number that starts at `start`.
   * @param {string} line
   * @param {number} start
   */
  resident(line, start) {
    RESIDENT.lastIndex = start;
    if (!this.settings.resident_numbers || !RESIDENT.test(line)) return undefined;
    return /** @type {const} */ ({
      kind: "resident",
      length: 14,
      masked: line.slice(start, start + 8) + this.settings.mask.repeat(6),
    });
  }

  /**
   * The card number that starts at `start`: the longest run of whole groups with 13 to 19 digits that passes Luhn.
   * @param {string} line
   * @param {number} start
   */
  card(line, start) {
    if (!this.settings.cards) return undefined;
    const digits = [];
    let best = { end: 0, digits: 0 };
    for (let at = start; digits.length <= 19; at++) {
      const digit = line.charCodeAt(at) - 48;
      if (digit >= 0 && digit <= 9) {
        digits.push(digit);
        continue;
      }
      // The end of a group, and of the number unless one separator and a digit follow.
      if (digits.length >= 13 && passesLuhn(digits)) best = { end: at, digits: digits.length };
      const separates = line[at] === " " || line[at] === "-";
      if (!separates || !(line[at + 1] >= "0" && line[at + 1] <= "9")) break;
    }
    if (best.end === 0) return undefined;
    let left = best.digits - 4;
    let masked = "";
    for (let at = start; at < best.end; at++) {
      const digit = line[at];
      masked += digit === " " || digit === "-" || left-- <= 0 ? digit : this.settings.mask;
    }
    return /** @type {const} */ ({ kind: "card", length: best.end - start, masked });
  }
}

/** @param {number[]} digits */
function passesLuhn(digits) {
  let sum = 0;
  let doubled = false;
  for (let i = digits.length - 1; i >= 0; i--) {
    const digit = digits[i];
    sum += !doubled ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
    doubled = !doubled;
  }
  return sum % 10 === 0;
}
