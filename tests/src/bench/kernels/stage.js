// The level of a line, and two values of a line of JSON: by JavaScript, and by the host.

import { Field, setting } from "./sdk/index.js";

export default class Plugin {
  static settings = { act: setting.oneOf(["own-level", "host-level", "own-json", "host-json"]) };

  constructor(settings, setup) {
    this.act = settings.act;
    this.own = /.*(?<level>INFO|WARN|ERROR|DEBUG|TRACE).*/;
    this.host = setup.pattern(".*(?P<level>INFO|WARN|ERROR|DEBUG|TRACE).*");
    this.pointers = setup.pointers({ level: "/level", message: "/message" });
    if (this.act.startsWith("own")) setup.readsLines();
  }

  process(batch) {
    if (this.act === "host-level") return batch.extract(this.host);
    if (this.act === "host-json") return batch.pluck(this.pointers);
    if (this.act === "own-level") {
      const values = Array.from(batch.lines, (line) => this.own.exec(line)?.groups?.level);
      return batch.out.setField(Field.from("level", values));
    }
    const documents = Array.from(batch.lines, (line) => JSON.parse(line));
    for (const name of ["level", "message"]) {
      batch.out.setField(Field.from(name, documents.map((document) => document[name])));
    }
  }
}
