/**
 * Events on their way: in memory, in order, until the edge has them. One batch is under way at a time; one that did not
 * arrive is sent again, the same bytes under the same ids, later and later. Knows no network: it is given one.
 */

/** Events and bytes kept at most; the oldest go first. */
const MOST = 1000;
const MOST_BYTES = 4 << 20;
/** Events and bytes of one batch. Browsers hold 64 KiB for requests that outlive their page. */
const BATCH = 100;
export const BYTES = 60000;
/** How long an event waits for others. */
const GATHER = 200;
const SHORTEST = 1000;
const LONGEST = 60000;

/**
 * What became of a batch: which of it are to be sent again (their places), and how long the edge asked to wait.
 * @typedef {{ again: number[], wait?: number }} Verdict
 */

export class Outbox {
  /**
   * @param {(batch: string[]) => Promise<Verdict>} send never rejects
   * @param {() => boolean} online
   */
  constructor(send, online) {
    this.send = send;
    this.online = online;
    /** @type {{ text: string, size: number }[]} */
    this.waiting = [];
    /** The batch under way. @type {{ text: string, size: number }[]} */
    this.flying = [];
    this.failures = 0;
    /** Not before the edge wants it; not before it makes sense. */
    this.asked = 0;
    this.backed = 0;
    this.timer = 0;
  }

  /** @param {string} text JSON of one event */
  add(text) {
    this.waiting.push({ text, size: new TextEncoder().encode(text).length + 1 });
    let bytes = this.waiting.reduce((sum, event) => sum + event.size, 0);
    while (this.waiting.length > 1 && (this.waiting.length > MOST || bytes > MOST_BYTES)) bytes -= this.waiting.shift().size;
    this.plan(GATHER);
  }

  /** Sends after so long, or when it may. @param {number} delay */
  plan(delay) {
    if (this.timer || this.flying.length || !this.waiting.length) return;
    const until = Math.max(this.asked, this.backed) - Date.now();
    this.timer = setTimeout(() => this.flush(), Math.max(delay, until));
  }

  /** What was waited for has come: the network, or a moment of which nobody knows whether another one follows. */
  hurry() {
    this.backed = 0;
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.asked > Date.now()) this.plan(0);
    else this.flush(); // at once: a hidden page may not live to its next timer
  }

  async flush() {
    this.timer = 0;
    if (this.flying.length || !this.online()) return; // `hurry` comes when it is on line again
    const batch = this.take();
    if (!batch.length) return;
    this.flying = batch;
    const { again, wait = 0 } = await this.send(batch.map((event) => event.text));
    if (this.flying !== batch) return; // it went another way meanwhile
    this.flying = [];
    this.settle(again.map((index) => batch[index]).filter(Boolean), wait);
  }

  /** The first of those that wait, as many as fit into one batch: one at least. */
  take() {
    let size = 0;
    let count = 0;
    for (const event of this.waiting.slice(0, BATCH)) {
      size += event.size;
      if (count && size > BYTES) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  settle(again, wait) {
    this.waiting.unshift(...again);
    if (again.length) {
      const pause = Math.min(LONGEST, SHORTEST * 2 ** this.failures++);
      this.backed = Date.now() + pause * (0.5 + Math.random() / 2); // not all browsers at once
      this.asked = Date.now() + wait;
    } else {
      this.failures = this.asked = this.backed = 0;
    }
    this.plan(0);
  }

  /**
   * The page ends: gives everything away that `beacon` takes.
   * @param {(batch: string[]) => boolean} beacon
   * @param {boolean} recall whether what is under way would end with the page
   */
  leave(beacon, recall) {
    if (recall) {
      this.waiting.unshift(...this.flying);
      this.flying = [];
    }
    while (this.waiting.length && this.online()) {
      const batch = this.take();
      if (!beacon(batch.map((event) => event.text))) {
        this.waiting.unshift(...batch);
        return;
      }
    }
  }
}
