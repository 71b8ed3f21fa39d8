import type { Random } from '../ambient/random.js';

/** What a new key begins with, so that it is not taken for one that nobody wants. */
const newKeyCount = 5;
const maxCount = 255;

/**
 * Counts how often keys are accessed, in the 24 bits that an entry has for it: the minute of the last change
 * (16 bits) and a counter (8 bits) that grows ever more slowly (R. Morris, "Counting large numbers of events
 * in small registers", 1978) and falls with time. Used instead of the time of the last access while an LFU
 * policy rules.
 */
export class AccessFrequency {
  constructor(
    /** Unix time in ms. */
    private readonly now: () => number,
    private readonly random: Random,
    /** `lfu-log-factor`: the higher, the more accesses it takes to reach the end of the scale. */
    private readonly logFactor: number,
    /** `lfu-decay-time`: minutes without an access that take one off the counter; 0 for never. */
    private readonly decayMinutes: number,
  ) {}

  /** The access word of a new entry. */
  first(): number {
    return (this.minute() << 8) | newKeyCount;
  }

  /** The access word after one more access. */
  next(word: number): number {
    const count = this.count(word);
    const chance = 1 / (Math.max(0, count - newKeyCount) * this.logFactor + 1);
    const grows = count < maxCount && this.random.next() < chance;
    return (this.minute() << 8) | (grows ? count + 1 : count);
  }

  /** The counter, less what the time since the last access takes off: 0 to 255. */
  count(word: number): number {
    if (this.decayMinutes === 0) return word & 0xff;
    const idleMinutes = (this.minute() - (word >>> 8)) & 0xffff;
    return Math.max(0, (word & 0xff) - Math.floor(idleMinutes / this.decayMinutes));
  }

  private minute(): number {
    return Math.floor(this.now() / 60_000) & 0xffff;
  }
}
