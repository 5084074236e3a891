// The host's side as the SDK calls it: the imports in the sandbox, a recorder in tests, nobody otherwise.
//
// One component holds one stage and calls never overlap, so who is called can be one variable.

import { Refusal } from "./outcome.js";

/** @typedef {import("../index.js").contract.Host} Host */

/** @returns {never} */
const absent = () => {
  throw new Error("kernels need a host: the agent, or a Harness");
};

/** @type {Host} */
const nobody = {
  log() {},
  register: () => 0,
  add() {},
  set() {},
  pattern: absent,
  pointers: absent,
  matches: absent,
  find: absent,
  extract: absent,
  replace: absent,
  pluck: absent,
  splice: absent,
  dropRows: absent,
  read: absent,
};

/** @type {Host} */
export let host = nobody;

/**
 * Makes `next` the host that is called; answers the one before.
 * @param {Host} next
 */
export function attach(next) {
  const before = host;
  host = next;
  return before;
}

/**
 * What the host answers to a declaration; its no is the stage's refusal.
 * @param {() => number} declare
 */
export function handleOf(declare) {
  try {
    return declare();
  } catch (error) {
    const payload = /** @type {{ payload?: unknown }} */ (error).payload;
    if (typeof payload !== "string") throw error;
    throw new Refusal(payload);
  }
}

/** To the agent's own log, with the stage's name; rate-limited. */
export const log = {
  /** @param {string} message */
  trace: (message) => host.log("trace", message),
  /** @param {string} message */
  debug: (message) => host.log("debug", message),
  /** @param {string} message */
  info: (message) => host.log("info", message),
  /** @param {string} message */
  warn: (message) => host.log("warn", message),
  /** @param {string} message */
  error: (message) => host.log("error", message),
};
