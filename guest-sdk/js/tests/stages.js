// Stages the tests drive.

import { Failure, Field, Hold, setting } from "../index.js";

/** Joins three entries of a stream into one; lets go after a second. */
export class Triples {
  /** @type {Hold<string>} */
  hold = new Hold();

  /**
   * @param {object} _settings
   * @param {import("../index.js").Setup} setup
   */
  constructor(_settings, setup) {
    setup.readsLines().readsLabels().holds();
    this.joined = setup.counter("joined", "Blocks let go", ["kind"]);
  }

  /**
   * @param {import("../index.js").Block<string>[]} blocks
   * @param {import("../index.js").Output} out
   */
  release(blocks, out) {
    out.setLines(blocks.map((block) => block.value));
    out.setOrigins(blocks.map((block) => block.ids[0]));
    this.joined.add(blocks.length, { kind: "triple" });
    this.hold.report(out);
  }

  /**
   * @param {import("../index.js").Batch} batch
   * @param {bigint} now
   */
  process(batch, now) {
    this.hold.begin(batch);
    const done = [];
    for (let row = 0; row < batch.length; row++) {
      const place = this.hold.place(batch.streams[row]);
      const block = this.hold.get(place);
      if (block === undefined) {
        this.hold.set(place, { ids: [batch.id(row)], deadline: now + 1_000_000_000n, value: batch.lines.get(row) });
      } else {
        block.ids.push(batch.id(row));
        block.value += batch.lines.get(row);
        if (block.ids.length === 3) {
          this.hold.take(place);
          done.push(block);
        }
      }
    }
    this.release(done, batch.out);
  }

  /** @type {import("../index.js").Stage["tick"]} */
  tick(out, now) {
    this.release(this.hold.takeDue(now), out);
  }

  /** @type {import("../index.js").Stage["flush"]} */
  flush(out) {
    this.release(this.hold.takeAll(), out);
  }
}

/** Does what its settings say, to every row. */
export class Actor {
  static settings = { declares: setting.list(setting.text(), []), act: setting.text() };

  /**
   * @param {{ declares: string[], act: string }} settings
   * @param {import("../index.js").Setup} setup
   */
  constructor(settings, setup) {
    this.act = settings.act;
    for (const column of settings.declares) {
      if (column === "lines") setup.readsLines();
      else if (column === "timestamps") setup.readsTimestamps();
      else if (column === "labels") setup.readsLabels();
      else if (column === "fields") setup.readsEveryField();
      else if (column === "metadata") setup.readsEveryMetadata();
      else setup.readsField(column);
    }
  }

  /** @param {import("../index.js").Batch} batch */
  process(batch) {
    for (const entry of batch) this.toEntry(entry);
    const rows = batch.length;
    switch (this.act) {
      case "mixed":
        return batch.out.setOrigins([...batch].map((entry) => entry.id));
      case "short":
        return batch.out.setLines([]);
      case "overcount":
        return batch.out.countDrops("x", 1);
      case "strangers":
        return batch.out.setOrigins([99n]);
      case "hold":
        return batch.out.hold([0n]);
      case "both":
        batch.out.setField(Field.from("f", Array(rows).fill("v")));
        return batch.at(0).setField("f", "w");
      case "fail":
        throw new Failure("no luck");
    }
  }

  /** @param {import("../index.js").Entry} entry */
  toEntry(entry) {
    switch (this.act) {
      case "line":
        return void entry.line;
      case "timestamp":
        return void entry.timestamp;
      case "label":
        return void entry.label("a");
      case "field":
        return void entry.field("a");
      case "metadata":
        return void entry.metadata("a");
      case "mixed":
        entry.line = "x";
        return;
      case "all":
        entry.setField("new", entry.line);
        entry.line += "!";
        entry.timestamp += 1n;
        entry.setLabel("l", entry.field("f") ?? "none");
        entry.removeLabel("gone");
        entry.unsetField("f");
        entry.setMetadata("m", "v");
        entry.unsetMetadata("gone");
        if (entry.line === "drop!") {
          entry.drop("asked");
          entry.drop("asked again");
        }
    }
  }
}
