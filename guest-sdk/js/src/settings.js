// Settings from the manifest's JSON, read by a declared schema, with refusals that name the setting.

import { Refusal } from "./outcome.js";

/**
 * One setting: how its value is read, and what stands in where it is not given.
 * @template T
 * @typedef {{ read: (value: unknown, path: string) => T, required: boolean, fallback: T | undefined }} Setting
 */

/** @param {unknown} value */
function kindOf(value) {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return `the text ${JSON.stringify(value)}`;
    case "number":
      return `the number ${value}`;
    case "boolean":
      return `${value}`;
    default:
      return "a mapping";
  }
}

/**
 * @template T
 * @param {string} expected
 * @param {(value: unknown) => value is T} is
 */
function simple(expected, is) {
  /** @param {unknown} value @param {string} path */
  const read = (value, path) => {
    if (!is(value)) throw Refusal.setting(path, `got ${kindOf(value)}, expected ${expected}`);
    return value;
  };
  return read;
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isWhole(value) {
  return Number.isSafeInteger(value);
}

/**
 * @template T
 * @param {(value: unknown, path: string) => T} read
 * @param {[T?]} fallback
 * @returns {Setting<T>}
 */
function declare(read, fallback) {
  return { read, required: fallback.length === 0, fallback: fallback[0] };
}

/** Nanoseconds of a Go duration's units. */
const UNITS = /** @type {Record<string, number>} */ ({
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
});

/**
 * @param {unknown} value
 * @param {string} path
 * @returns {bigint}
 */
function readDuration(value, path) {
  const text = typeof value === "string" ? value : "";
  if (text === "0") return 0n;
  const whole = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (whole === null) throw Refusal.setting(path, `got ${kindOf(value)}, expected a duration like 3s or 1m30s`);
  let sum = 0n;
  for (const part of whole[2].matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const unit = UNITS[part[3]];
    sum += BigInt(part[1] || "0") * BigInt(unit) + BigInt(Math.trunc(Number(`0.${part[2] || "0"}`) * unit));
  }
  return whole[1] === "-" ? -sum : sum;
}

/** The kinds of settings. The optional argument is the default; without one the setting has to be given. */
export const setting = {
  /** @param {[string?]} fallback */
  text: (...fallback) => declare(simple("a text", (value) => typeof value === "string"), fallback),

  /** @param {[boolean?]} fallback */
  bool: (...fallback) => declare(simple("true or false", (value) => typeof value === "boolean"), fallback),

  /** @param {[number?]} fallback */
  number: (...fallback) => declare(simple("a number", (value) => typeof value === "number"), fallback),

  /** @param {[number?]} fallback */
  integer: (...fallback) => declare(simple("a whole number", isWhole), fallback),

  /** A Go duration (`3s`, `1m30s`) in nanoseconds. @param {[bigint?]} fallback */
  duration: (...fallback) => declare(readDuration, fallback),

  /**
   * One of these texts.
   * @param {string[]} values
   * @param {[string?]} fallback
   */
  oneOf: (values, ...fallback) =>
    declare((value, path) => {
      if (typeof value === "string" && values.includes(value)) return value;
      throw Refusal.setting(path, `got ${kindOf(value)}, expected ${listed(values)}`);
    }, fallback),

  /**
   * @param {Setting<any>} of
   * @param {[any[]?]} fallback
   */
  list: (of, ...fallback) =>
    declare((value, path) => {
      if (!Array.isArray(value)) throw Refusal.setting(path, `got ${kindOf(value)}, expected a list`);
      return value.map((item, i) => of.read(item, `${path}[${i}]`));
    }, fallback),

  /**
   * Names of the user's own choice, all of one kind.
   * @param {Setting<any>} of
   * @param {[Map<string, any>?]} fallback
   */
  map: (of, ...fallback) =>
    declare((value, path) => {
      const pairs = Object.entries(mapping(value, path));
      return new Map(pairs.map(([name, item]) => [name, of.read(item, `${path}.${name}`)]));
    }, fallback),

  /**
   * A mapping with settings of its own.
   * @param {Record<string, Setting<any>>} schema
   * @param {[any?]} fallback
   */
  group: (schema, ...fallback) =>
    declare((value, path) => read(schema, mapping(value, path), `${path}.`), fallback),
};

/**
 * @param {unknown} value
 * @param {string} path
 * @returns {Record<string, unknown>}
 */
function mapping(value, path) {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return /** @type {Record<string, unknown>} */ (value);
  }
  throw Refusal.setting(path, `got ${kindOf(value)}, expected a mapping`);
}

/** @param {string[]} names */
function listed(names) {
  return `${names.length > 1 ? "one of " : ""}${names.map((name) => `\`${name}\``).join(", ")}`;
}

/**
 * @param {Record<string, Setting<any>>} schema
 * @param {Record<string, unknown>} given
 * @param {string} prefix
 */
function read(schema, given, prefix) {
  const known = Object.keys(schema);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      const expected = known.length === 0 ? "there are no settings" : `expected ${listed(known)}`;
      throw new Refusal(`unknown setting \`${prefix}${name}\`: ${expected}`);
    }
  }
  /** @type {Record<string, unknown>} */
  const values = {};
  for (const name of known) {
    const { read: readOne, required, fallback } = schema[name];
    if (given[name] !== undefined) values[name] = readOne(given[name], `${prefix}${name}`);
    else if (required) throw new Refusal(`missing setting \`${prefix}${name}\``);
    else values[name] = fallback;
  }
  return values;
}

/**
 * Reads settings; `null` and nothing mean no settings given.
 * @param {Record<string, Setting<any>>} schema
 * @param {string} json
 */
export function parseSettings(schema, json) {
  /** @type {unknown} */
  let given;
  try {
    given = json.trim() === "" ? null : JSON.parse(json);
  } catch (error) {
    throw new Refusal(`the settings are no JSON: ${/** @type {Error} */ (error).message}`);
  }
  if (given === null) given = {};
  if (typeof given !== "object" || Array.isArray(given)) {
    throw new Refusal(`got ${kindOf(given)}, expected a mapping of settings`);
  }
  return read(schema, /** @type {Record<string, unknown>} */ (given), "");
}
