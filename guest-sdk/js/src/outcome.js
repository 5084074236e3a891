// How a stage says no: `Refusal` of its settings, `Failure` of one call.

/** The settings cannot be used. The pipeline does not start; the text is shown beside the manifest's line. */
export class Refusal extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "Refusal";
  }

  /**
   * A refusal of one setting, named by its path as written in the manifest (`values.level`).
   * @param {string} path
   * @param {string} why
   */
  static setting(path, why) {
    return new Refusal(`setting \`${path}\`: ${why}`);
  }
}

/**
 * A call could not be done; the stage's `on_error` policy applies. For a broken invariant, not for an entry that
 * the stage merely does not understand: those pass unchanged.
 */
export class Failure extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "Failure";
  }
}

/**
 * The failure of a stage that uses what it did not declare.
 * @param {string} what
 * @param {string} call
 */
export function undeclared(what, call) {
  return new Failure(`the stage uses ${what} without declaring it: its constructor must call \`setup.${call}\``);
}
