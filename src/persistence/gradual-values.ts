import { Bytes } from '../bytes/bytes.js';
import { kinds } from '../keyspace/kinds.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { Collection } from '../values/collection.js';
import { Quicklist } from '../values/quicklist.js';
import { TableHash } from '../values/table-hash.js';
import { TableSet } from '../values/table-set.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import { addMember, requireTimes, settledList, settledSortedSet, twice } from './element-values.js';
import type { RdbReader } from './rdb-reader.js';
import { collectionValue, type GradualValue, type SavedValue, type ValueTarget } from './saved-value.js';

/**
 * Big collections that are read element by element straight into the arena. An element is read as a whole before it is
 * added, so that reading can stop between any two bytes and go on where the last whole element ended.
 */

/** So many elements are read in one go. */
const elementsAtOnce = 1000;

const nameView = new Bytes();
const payloadView = new Bytes();

abstract class GradualCollection<T extends Collection> implements GradualValue {
  protected abstract readonly collection: T;

  constructor(private elementsLeft: number) {}

  readMore(reader: RdbReader): SavedValue | undefined {
    for (let now = Math.min(this.elementsLeft, elementsAtOnce); now > 0; now--) {
      const start = reader.offset;
      try {
        this.readElement(reader);
      } catch (error) {
        reader.offset = start;
        throw error;
      }
      this.elementsLeft--;
    }
    return this.elementsLeft === 0 ? this.finish() : undefined;
  }

  protected abstract readElement(reader: RdbReader): void;

  protected abstract finish(): SavedValue;

  discard(): void {
    this.collection.freeSlice(Number.POSITIVE_INFINITY);
  }
}

export class GradualSet extends GradualCollection<TableSet> {
  protected readonly collection: TableSet;

  constructor(elements: number, target: ValueTarget) {
    super(elements);
    this.collection = new TableSet(target.keyspace);
  }

  protected readElement(reader: RdbReader): void {
    reader.stringInto(nameView);
    if (!this.collection.add(nameView)) throw twice(reader, 'Set');
  }

  protected finish(): SavedValue {
    return collectionValue(kinds.tableSet, this.collection);
  }
}

export class GradualHash extends GradualCollection<TableHash> {
  protected readonly collection: TableHash;

  constructor(fields: number, target: ValueTarget) {
    super(fields);
    this.collection = new TableHash(target.keyspace);
  }

  protected readElement(reader: RdbReader): void {
    reader.stringInto(nameView);
    reader.stringInto(payloadView);
    if (!this.collection.set(nameView, payloadView)) throw twice(reader, 'Hash');
  }

  protected finish(): SavedValue {
    return collectionValue(kinds.tableHash, this.collection);
  }
}

/** A hash whose fields have an expiry each, which `readExpiry` reads. */
export class GradualExpiringHash extends GradualCollection<TableHash> {
  protected readonly collection: TableHash;

  constructor(
    fields: number,
    target: ValueTarget,
    private readonly readExpiry: (reader: RdbReader) => number,
  ) {
    super(fields);
    this.collection = new TableHash(target.keyspace);
  }

  protected readElement(reader: RdbReader): void {
    const when = this.readExpiry(reader);
    requireTimes(reader, [when]);
    reader.stringInto(nameView);
    reader.stringInto(payloadView);
    const { collection } = this;
    if (!collection.set(nameView, payloadView)) throw twice(reader, 'Hash');
    if (when !== NO_EXPIRY) collection.setExpiry(collection.find(nameView), when);
  }

  protected finish(): SavedValue {
    const { collection } = this;
    return collectionValue(
      collection.expiringSize > 0 ? kinds.expiringTableHash : kinds.tableHash,
      collection,
    );
  }
}

export class GradualSortedSet extends GradualCollection<TreeSortedSet> {
  protected readonly collection: TreeSortedSet;

  constructor(
    members: number,
    private readonly target: ValueTarget,
    private readonly readScore: (reader: RdbReader) => number,
  ) {
    super(members);
    this.collection = new TreeSortedSet(target.keyspace);
  }

  protected readElement(reader: RdbReader): void {
    reader.stringInto(nameView);
    const score = this.readScore(reader);
    if (!addMember(this.collection, nameView, score)) throw twice(reader, 'Zset');
  }

  protected finish(): SavedValue {
    return settledSortedSet(this.collection, this.target);
  }
}

/** A list of elements, or of nodes with some elements each: `readNode` appends what it reads. */
export class GradualList extends GradualCollection<Quicklist> {
  protected readonly collection: Quicklist;

  constructor(
    nodes: number,
    private readonly target: ValueTarget,
    private readonly readNode: (reader: RdbReader, list: Quicklist) => void,
  ) {
    super(nodes);
    const { arena, listSettings } = target.keyspace;
    this.collection = new Quicklist(arena, listSettings);
  }

  protected readElement(reader: RdbReader): void {
    this.readNode(reader, this.collection);
  }

  protected finish(): SavedValue {
    return settledList(this.collection, this.target);
  }
}
