import { Bytes } from '../bytes/bytes.js';
import { globMatch, literalPrefix } from '../bytes/glob.js';

/** A pattern and those who subscribed to it. */
export interface PatternEntry<Subscriber> {
  /** A copy. */
  readonly pattern: Bytes;
  readonly subscribers: Set<Subscriber>;
}

/**
 * Glob patterns, found by the names that they match. They are kept by their literal prefix (`user:17:` of
 * `user:17:*`), and those by their length; so a name is compared with the patterns whose prefix it begins
 * with, and with no others. A look-up costs one string and one hash per different length of prefix, of which
 * there are few.
 */
export class PatternIndex<Subscriber> {
  private readonly byName = new Map<string, PatternEntry<Subscriber>>();
  /** Entries by the length of the prefix and the prefix. Lengths in ascending order. */
  private readonly byLength: {
    length: number;
    byPrefix: Map<string, Set<PatternEntry<Subscriber>>>;
  }[] = [];

  /** Number of different patterns. */
  get size(): number {
    return this.byName.size;
  }

  /** Subscribes to a pattern (latin1). Twice is as good as once. */
  add(pattern: string, subscriber: Subscriber): void {
    let entry = this.byName.get(pattern);
    if (entry === undefined) {
      entry = { pattern: Bytes.of(pattern), subscribers: new Set() };
      this.byName.set(pattern, entry);
      this.bucketOf(pattern, entry.pattern).add(entry);
    }
    entry.subscribers.add(subscriber);
  }

  remove(pattern: string, subscriber: Subscriber): void {
    const entry = this.byName.get(pattern);
    if (entry === undefined) return;
    entry.subscribers.delete(subscriber);
    if (entry.subscribers.size > 0) return;
    this.byName.delete(pattern);
    this.dropFromBucket(pattern, entry);
  }

  /** Calls `visit` with each pattern that matches the name; shorter literal prefixes come first. */
  forEachMatch(name: Bytes, visit: (entry: PatternEntry<Subscriber>) => void): void {
    if (this.byLength.length === 0) return;
    const text = name.latin1();
    for (const { length, byPrefix } of this.byLength) {
      if (length > text.length) return;
      for (const entry of byPrefix.get(text.slice(0, length)) ?? []) {
        if (globMatch(entry.pattern, name)) visit(entry);
      }
    }
  }

  private bucketOf(pattern: string, bytes: Bytes): Set<PatternEntry<Subscriber>> {
    const { length } = literalPrefix(bytes);
    let position = this.byLength.findIndex((bucket) => bucket.length >= length);
    if (position < 0) position = this.byLength.length;
    if (this.byLength[position]?.length !== length) {
      this.byLength.splice(position, 0, { length, byPrefix: new Map() });
    }
    const { byPrefix } = this.byLength[position];
    const prefix = pattern.slice(0, length);
    let entries = byPrefix.get(prefix);
    if (entries === undefined) byPrefix.set(prefix, (entries = new Set()));
    return entries;
  }

  private dropFromBucket(pattern: string, entry: PatternEntry<Subscriber>): void {
    const { length } = literalPrefix(entry.pattern);
    const position = this.byLength.findIndex((bucket) => bucket.length === length);
    const { byPrefix } = this.byLength[position];
    const prefix = pattern.slice(0, length);
    const entries = byPrefix.get(prefix);
    entries?.delete(entry);
    if (entries?.size === 0) byPrefix.delete(prefix);
    if (byPrefix.size === 0) this.byLength.splice(position, 1);
  }
}
