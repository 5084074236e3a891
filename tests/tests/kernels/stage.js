// Runs the kernel that its settings name. The suite `kernels` runs its like in every language on the same cases.

import { Failure, LINES, column, setting } from "./sdk/index.js";

export default class Plugin {
  static settings = {
    act: setting.oneOf(["extract", "beside", "replace", "mask", "drop", "keep", "pluck", "sum"]),
  };

  constructor(settings, setup) {
    this.act = settings.act;
    this.pair = setup.pattern("(?P<key>[a-z]+)=(?P<value>[0-9]*)");
    this.number = setup.pattern("(?P<n>[0-9]{2,})$|[0-9]{4}");
    this.debug = setup.pattern("^(DEBUG|TRACE)\\b");
    this.user = setup.pointers({ level: "/level", user: "/user/name", tags: "/user/tags", first: "/user/tags/0" });
    this.counter = setup.counter("kernels_total", "What kernels answered.");
  }

  process(batch) {
    const text = column.field("text");
    switch (this.act) {
      case "extract":
        return this.counter.add(batch.extract(this.pair));
      case "beside":
        return this.counter.add(batch.extract(this.pair, text, "metadata"));
      case "replace":
        return this.counter.add(batch.replace(this.number, "<${n}$1$$>"));
      case "mask": {
        const found = batch.find(this.number).filter((one) => Number(one.text) % 2 === 0);
        batch.splice(found.map((one) => ({ ...one, text: "é".repeat(one.text.length) })), LINES);
        return this.counter.add(found.length);
      }
      case "drop": {
        const rows = batch.matches(this.debug);
        this.counter.add(rows.size);
        return batch.dropRows(rows, "debug");
      }
      case "keep":
        return batch.dropRows(batch.matches(this.debug).complement(), "other");
      case "pluck":
        return this.counter.add(batch.pluck(this.user));
      case "sum": {
        batch.replace(this.pair, "x=1", text);
        batch.extract(this.pair, text);
        let sum = 0;
        for (const value of batch.read(column.field("value")) ?? []) sum += Number(value ?? 0);
        this.counter.add(sum);
        if (batch.read(column.metadata("nowhere")) !== undefined) throw new Failure("read what is not there");
      }
    }
  }
}
