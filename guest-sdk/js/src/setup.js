// What a stage declares while it is constructed: the columns it reads or changes, and its metrics.

import { Pattern, Pointers } from "./kernel.js";
import { Counter, Gauge, Histogram } from "./metric.js";

/** The name that stands for every field, or every metadata column. */
const EVERY = "*";

/** The columns a stage declared. */
export class Interest {
  constructor() {
    this.timestamps = false;
    this.lines = false;
    this.labels = false;
    /** @type {string[]} */
    this.fields = [];
    /** @type {string[]} */
    this.metadata = [];
    this.holds = false;
  }

  /** @param {string} name */
  hasField(name) {
    return this.fields.includes(name) || this.fields.includes(EVERY);
  }

  /** @param {string} name */
  hasMetadata(name) {
    return this.metadata.includes(name) || this.metadata.includes(EVERY);
  }

  /** @returns {import("../index.js").contract.Interest} */
  toContract() {
    const { timestamps, lines, labels, fields, metadata, holds } = this;
    return { timestamps, lines, labels, fields, metadata, holds };
  }
}

/**
 * Collects the declarations of one stage. What is not declared does not cross into the sandbox, which is most of a
 * stage's speed; using it then fails the call with a message that names the declaration.
 */
export class Setup {
  constructor() {
    this.interest = new Interest();
  }

  readsLines() {
    this.interest.lines = true;
    return this;
  }

  readsTimestamps() {
    this.interest.timestamps = true;
    return this;
  }

  readsLabels() {
    this.interest.labels = true;
    return this;
  }

  /** @param {string} name */
  readsField(name) {
    if (!this.interest.fields.includes(name)) this.interest.fields.push(name);
    return this;
  }

  readsEveryField() {
    return this.readsField(EVERY);
  }

  /** @param {string} name */
  readsMetadata(name) {
    if (!this.interest.metadata.includes(name)) this.interest.metadata.push(name);
    return this;
  }

  readsEveryMetadata() {
    return this.readsMetadata(EVERY);
  }

  holds() {
    this.interest.holds = true;
    return this;
  }

  /** @param {string} expression */
  pattern(expression) {
    return new Pattern(expression);
  }

  /** @param {Record<string, string>} named */
  pointers(named) {
    return new Pointers(named);
  }

  /**
   * @param {string} name
   * @param {string} help
   * @param {string[]} [labelNames]
   */
  counter(name, help, labelNames = []) {
    return new Counter("counter", name, help, labelNames, []);
  }

  /**
   * @param {string} name
   * @param {string} help
   * @param {string[]} [labelNames]
   */
  gauge(name, help, labelNames = []) {
    return new Gauge("gauge", name, help, labelNames, []);
  }

  /**
   * @param {string} name
   * @param {string} help
   * @param {number[]} buckets
   * @param {string[]} [labelNames]
   */
  histogram(name, help, buckets, labelNames = []) {
    return new Histogram("histogram", name, help, labelNames, buckets);
  }
}
