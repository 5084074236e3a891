// The stage `{{name}}`: replaces a word in every line by `***`, and counts how often.

import { Refusal, setting } from "./sdk/index.js";

export default class Plugin {
  /** The settings, as a manifest gives them. An unknown one is refused by its name. */
  static settings = { word: setting.text() };

  /**
   * @param {import("./sdk/index.js").Settings<typeof Plugin.settings>} settings
   * @param {import("./sdk/index.js").Setup} setup
   */
  constructor(settings, setup) {
    if (settings.word === "") throw Refusal.setting("word", "must not be empty");
    this.word = settings.word;
    // Only what is declared crosses into the sandbox.
    setup.readsLines();
    this.replaced = setup.counter("{{name}}_total", "Words replaced.");
  }

  /** @param {import("./sdk/index.js").Batch} batch */
  process(batch) {
    let replaced = 0;
    for (const entry of batch) {
      const parts = entry.line.split(this.word);
      if (parts.length > 1) {
        entry.line = parts.join("***");
        replaced += parts.length - 1;
      }
    }
    if (replaced > 0) this.replaced.add(replaced);
  }
}
