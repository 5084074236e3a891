// Masks card and resident-registration numbers in lines, and counts what it masked.
//
// One regex runs over the whole column and finds the few lines with thirteen digits near each other; only those are
// looked at by themselves. Its digits are written out one by one, not as `{13}`: so the engine knows what may stand
// at each of the next places and leaps over text that cannot match, which is ten times faster.

import { Refusal, setting } from "../../../guest-sdk/js/index.js";

const CANDIDATE = new RegExp(`${"\\d[ -]?".repeat(12)}\\d`);
const RESIDENT = /\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?!\d)/y;
// No more groups than a card has digits: a line that is nothing but numbers must not cost its square.
const GROUPS = /\d+(?:[ -]\d+){0,18}/y;
const DIGITS = /\d+/g;

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
    DIGITS.lastIndex = 0;
    for (let run = DIGITS.exec(line); run !== null; run = DIGITS.exec(line)) {
      const start = run.index;
      const number = this.resident(line, start) ?? this.card(line, start);
      if (number === undefined) continue;
      masked += line.slice(done, start) + number.masked;
      done = start + number.length;
      DIGITS.lastIndex = done;
      this.found[number.kind]++;
    }
    return masked + line.slice(done);
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
    GROUPS.lastIndex = start;
    let text = /** @type {RegExpExecArray} */ (GROUPS.exec(line))[0];
    for (;;) {
      const digits = text.replace(/[ -]/g, "");
      if (digits.length < 13) return undefined;
      if (digits.length <= 19 && passesLuhn(digits)) {
        let left = digits.length - 4;
        const masked = text.replace(/\d/g, (digit) => (left-- > 0 ? this.settings.mask : digit));
        return /** @type {const} */ ({ kind: "card", length: text.length, masked });
      }
      const shorter = text.search(/[ -]\d+$/);
      if (shorter < 0) return undefined;
      text = text.slice(0, shorter);
    }
  }
}

/** @param {string} digits */
function passesLuhn(digits) {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 === 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 === 0;
}
