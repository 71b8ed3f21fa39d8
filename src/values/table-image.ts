import type { Ref } from '../memory/arena.js';
import { BucketSet } from '../memory/bucket-set.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { Table } from '../memory/table.js';
import type { CollectionImage, VisitElement } from './collection.js';
import { ElementBuffer } from './element-buffer.js';

/**
 * The image of a collection whose elements are in a table: what has not been visited is copied before its
 * bucket changes.
 */
export class TableImage implements CollectionImage {
  readonly count: number;
  private readonly kept = new ElementBuffer();
  private readonly done: BucketSet;
  private next = 0;

  constructor(
    private readonly table: Table,
    /** Shows an entry of the table as an element. */
    private readonly read: (ref: Ref, visit: VisitElement) => void,
    readonly soonestExpiry = NO_EXPIRY,
  ) {
    this.count = table.size;
    this.done = new BucketSet(table.bucketCount);
    table.beforeBucketChange = (bucket) => this.keep(bucket);
  }

  get keptBytes(): number {
    return this.kept.bytes;
  }

  private keep(bucket: number): void {
    if (this.done.add(bucket)) this.table.forEachInBucket(bucket, (ref) => this.read(ref, this.kept.add));
  }

  visitSome(budget: number, visit: VisitElement): boolean {
    let left = budget - this.kept.take(budget, visit);
    const show = (ref: Ref) => {
      left--;
      this.read(ref, visit);
    };
    for (; left > 0 && this.next < this.done.size; this.next++) {
      // A table that is emptied drops the buckets in which there was nothing without a word.
      if (this.done.add(this.next) && this.next < this.table.bucketCount)
        this.table.forEachInBucket(this.next, show);
    }
    return this.next === this.done.size && this.kept.bytes === 0;
  }

  drop(): void {
    this.table.beforeBucketChange = undefined;
    this.kept.clear();
  }
}
