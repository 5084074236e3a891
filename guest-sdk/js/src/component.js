// Makes a stage the exports of a component. `build.js` writes the module that calls this; a stage never does.

import { Failure, Refusal } from "./outcome.js";
import { attach, log } from "./host.js";
import { Instance } from "./instance.js";

/**
 * The exports of the world `log-stage`.
 * @param {import("../index.js").StageClass} Stage
 * @param {import("../index.js").contract.Host} host
 */
export function expose(Stage, host) {
  /** @type {Instance | undefined} */
  let instance;

  /**
   * Whatever a call throws is its failure: a trap would cost the instance and say less.
   * @param {(instance: Instance) => import("../index.js").contract.LogEdit} call
   */
  const guarded = (call) => {
    try {
      if (instance === undefined) throw new Failure("the stage was called before it was configured");
      return call(instance);
    } catch (error) {
      throw { payload: { message: told(error, Failure) } };
    }
  };
  attach(host);
  return {
    /** @param {string} settings */
    configure(settings) {
      try {
        instance = new Instance(Stage, settings);
        return instance.interest.toContract();
      } catch (error) {
        throw { payload: told(error, Refusal) };
      }
    },
    /** @type {(batch: import("../index.js").contract.LogBatch, now: bigint) => import("../index.js").contract.LogEdit} */
    process: (batch, now) => guarded((stage) => stage.process(batch, now)),
    /** @param {bigint} now */
    tick: (now) => guarded((stage) => stage.tick(now)),
    /** @param {bigint} now */
    flush: (now) => guarded((stage) => stage.flush(now)),
  };
}

/**
 * The text of an error. One that the stage did not mean goes to the log with the place it came from.
 * @param {unknown} error
 * @param {typeof Failure | typeof Refusal} meant
 */
function told(error, meant) {
  if (!(error instanceof Error)) return String(error);
  let text = error instanceof meant ? error.message : `${error.name}: ${error.message}`;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) text += `: ${cause.message}`;
  if (!(error instanceof meant)) log.error(`${text}\n${error.stack ?? ""}`);
  return text;
}
