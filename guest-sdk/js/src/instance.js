// A configured stage behind the contract's types: what the component exports and what the harness drives. Both run
// this code and no other.

import { Batch, UNCHANGED } from "./batch.js";
import { Output } from "./output.js";
import { Setup } from "./setup.js";
import { parseSettings } from "./settings.js";

/** @typedef {import("../index.js").contract.LogEdit} LogEdit */

/** A stage, configured. What the stage throws is thrown. */
export class Instance {
  /**
   * @param {import("../index.js").StageClass} Stage
   * @param {string} settings JSON; nothing and `null` mean `{}`.
   */
  constructor(Stage, settings) {
    const setup = new Setup();
    this.stage = new Stage(parseSettings(Stage.settings ?? {}, settings), setup);
    this.interest = setup.interest;
  }

  /**
   * @param {import("../index.js").contract.LogBatch} raw
   * @param {bigint} now
   * @returns {LogEdit}
   */
  process(raw, now) {
    const batch = new Batch(raw, this.interest);
    this.stage.process(batch, now);
    return batch.finish();
  }

  /**
   * @param {bigint} now
   * @returns {LogEdit}
   */
  tick(now) {
    if (this.stage.tick === undefined) return UNCHANGED;
    const out = new Output();
    this.stage.tick(out, now);
    return out.toContract();
  }

  /**
   * @param {bigint} now
   * @returns {LogEdit}
   */
  flush(now) {
    if (this.stage.flush === undefined) return UNCHANGED;
    const out = new Output();
    this.stage.flush(out, now);
    return out.toContract();
  }
}
