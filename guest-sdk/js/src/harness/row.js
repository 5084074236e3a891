// An entry as tests write and read it.

/** When a harness starts, and the timestamp of rows that name none: 2026-01-01T00:00:00Z. */
export const START = 1767225600000000000n;

/**
 * @typedef {{ line: string, timestamp: bigint, labels: Record<string, string>, fields: Record<string, string>, metadata: Record<string, string> }} Row
 */

/**
 * @param {string | Partial<Row>} given
 * @returns {Row}
 */
export function rowOf(given) {
  const row = typeof given === "string" ? { line: given } : given;
  return {
    line: row.line ?? "",
    timestamp: BigInt(row.timestamp ?? START),
    labels: { ...row.labels },
    fields: { ...row.fields },
    metadata: { ...row.metadata },
  };
}

/** @param {Record<string, string>} labels */
export function keyOf(labels) {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
