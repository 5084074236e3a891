// Handles of metrics that a stage registered.
//
// Every call crosses to the host, so a stage adds up within a batch and reports once.

import { handleOf, host } from "./host.js";

class Metric {
  /**
   * @param {"counter" | "gauge" | "histogram"} kind
   * @param {string} name
   * @param {string} help
   * @param {string[]} labelNames
   * @param {number[]} buckets
   */
  constructor(kind, name, help, labelNames, buckets) {
    this.name = name;
    this.labelNames = [...labelNames];
    this.handle = handleOf(() => host.register(kind, name, help, this.labelNames, Float64Array.from(buckets)));
  }

  /** @param {Record<string, string>} labels */
  values(labels) {
    const values = this.labelNames.map((name) => labels[name]);
    if (Object.keys(labels).length !== values.length || values.includes(/** @type {any} */ (undefined))) {
      throw new TypeError(
        `the metric \`${this.name}\` has the labels [${this.labelNames}], got [${Object.keys(labels)}]`,
      );
    }
    return values;
  }
}

/** A value that only grows. */
export class Counter extends Metric {
  /**
   * Adds `value`, which is not negative, to the series with these labels.
   * @param {number} value
   * @param {Record<string, string>} [labels]
   */
  add(value, labels = {}) {
    host.add(this.handle, this.values(labels), value);
  }
}

/** A value that goes up and down. */
export class Gauge extends Metric {
  /**
   * @param {number} value
   * @param {Record<string, string>} [labels]
   */
  set(value, labels = {}) {
    host.set(this.handle, this.values(labels), value);
  }

  /**
   * @param {number} value
   * @param {Record<string, string>} [labels]
   */
  add(value, labels = {}) {
    host.add(this.handle, this.values(labels), value);
  }
}

/** Values counted by size. */
export class Histogram extends Metric {
  /**
   * @param {number} value
   * @param {Record<string, string>} [labels]
   */
  observe(value, labels = {}) {
    host.add(this.handle, this.values(labels), value);
  }
}
