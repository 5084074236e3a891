// Entries a stage keeps back, one block per stream.
//
// Streams are known by their labels, because the indices of a batch mean nothing in the next one. `begin` resolves
// them once per batch, so a row costs an index and never a hash. The hold knows every kept id, so it can tell the
// host exactly what is held and when to wake the stage: a stage that forgot an id would lose an entry in a crash.

/**
 * @template T
 * @typedef {{ ids: bigint[], deadline?: bigint, value: T }} Block
 */

/**
 * The blocks of all streams.
 * @template T
 */
export class Hold {
  constructor() {
    /** @type {Map<string, Block<T>>} By the stream's labels, as JSON. */
    this.blocks = new Map();
    /** @type {string[]} By stream of the batch last begun. */
    this.streams = [];
  }

  /**
   * Finds the places of the batch's streams; first thing in `process`. Needs `setup.readsLabels()`.
   * @param {import("./batch.js").Batch} batch
   */
  begin(batch) {
    this.streams = [];
    for (let i = 0; i < batch.labels.length; i++) this.streams.push(JSON.stringify([...batch.labels.get(i)]));
  }

  /**
   * The place of a stream of the batch last begun: good for `get`, `set` and `delete`.
   * @param {number} stream
   */
  place(stream) {
    const place = this.streams[stream];
    if (place === undefined) throw new RangeError(`no stream ${stream}: call \`hold.begin(batch)\` first`);
    return place;
  }

  /** @param {string} place */
  get(place) {
    return this.blocks.get(place);
  }

  /**
   * @param {string} place
   * @param {Block<T>} block
   */
  set(place, block) {
    this.blocks.set(place, block);
  }

  /**
   * Takes the block at `place` out and answers it.
   * @param {string} place
   */
  take(place) {
    const block = this.blocks.get(place);
    this.blocks.delete(place);
    return block;
  }

  /**
   * Takes out every block whose deadline has come, in the order of their first ids.
   * @param {bigint} now
   */
  takeDue(now) {
    return this.takeIf((block) => block.deadline !== undefined && block.deadline <= now);
  }

  /** Takes out every block, in the order of their first ids. */
  takeAll() {
    return this.takeIf(() => true);
  }

  /**
   * Tells the host what is held and when the next block is due; last thing in every call.
   * @param {import("./output.js").Output} out
   */
  report(out) {
    /** @type {bigint[]} */
    const ids = [];
    /** @type {bigint | undefined} */
    let due;
    this.blocks.forEach((block) => {
      for (let i = 0; i < block.ids.length; i++) ids.push(block.ids[i]);
      if (block.deadline !== undefined && (due === undefined || block.deadline < due)) due = block.deadline;
    });
    const held = BigUint64Array.from(ids);
    out.hold(held.sort());
    out.wakeAt(due);
  }

  /** @param {(block: Block<T>) => boolean} wanted */
  takeIf(wanted) {
    /** @type {Block<T>[]} */
    const taken = [];
    this.blocks.forEach((block, place) => {
      if (wanted(block)) {
        taken.push(block);
        this.blocks.delete(place);
      }
    });
    return taken.sort((a, b) => (a.ids[0] < b.ids[0] ? -1 : 1));
  }
}
