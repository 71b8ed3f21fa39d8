import type { Clock } from '../ambient/clock.js';
import { exchangeDecimalTexts } from '../bytes/decimal-texts.js';
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { isHandle } from '../keyspace/kinds.js';
import type { Imaged, Ref } from '../memory/arena.js';
import { BucketSet } from '../memory/bucket-set.js';
import type { Table } from '../memory/table.js';
import type { Collection, CollectionImage } from '../values/collection.js';
import { RdbWriter } from './rdb-writer.js';
import type { CollectionWriter, SnapshotFormat } from './snapshot-format.js';

/** Where a snapshot goes. */
export interface SnapshotSink {
  /** Takes over a chunk. May give back the memory of one that it does not need any more. */
  write(chunk: Buffer): Buffer | undefined;
  /** Bytes that were taken and have not left yet. */
  readonly unsentBytes: number;
  /** The snapshot is to wait while there are more than so many. Default 16 MiB. */
  readonly mostUnsentBytes?: number;
}

/** The walk waits while more than so many bytes have not left. What changes is written all the same. */
const defaultMostUnsentBytes = 16 * 1024 * 1024;
/** Elements, and buckets of about nine entries, between two looks at the clock: some 20 µs. */
const elementsPerLook = 64;
const bucketsPerLook = 4;
/** Buckets whose entries are brought into the cache together; a power of two. */
const bucketsAhead = 4;
/** Longer strings are not compressed between events: that would take more than some milliseconds. */
const longestCompressed = 512 * 1024;

/** The entries of a database at the start. */
interface TableWalk {
  /** Number of the database whose they were. */
  readonly index: number;
  readonly database: Database;
  readonly table: Table;
  readonly size: number;
  readonly expiring: number;
  readonly done: BucketSet;
  next: number;
}

/** A collection whose entry has been seen, and whose elements are still to be written. */
interface PendingCollection {
  readonly collection: Collection;
  readonly index: number;
  readonly image: CollectionImage;
  readonly writer: CollectionWriter;
}

/** What is written at one place: into the file, or aside while a collection is being written. */
interface Output {
  readonly writer: RdbWriter;
  /** The database that was selected there last; -1 for none. */
  selected: number;
}

/** How far a snapshot is. */
export interface SnapshotProgress {
  readonly keysProcessed: number;
  readonly keysTotal: number;
  /** Bytes that were copied because they were about to change. */
  readonly allCopiedBytes: number;
}

/**
 * The state of all databases at one moment, written while they change: what stands for fork.
 *
 * The tables are walked bucket by bucket in slices between events. A bucket that is about to change and has not been
 * written is written first. A big collection is written in slices too, from an image of its own, which keeps what
 * changes meanwhile. So what is written is the state at `begin`, whatever happens after it.
 *
 * There is one snapshot of a keyspace at a time, and a `still` one at any time.
 */
export class Snapshot implements SnapshotProgress {
  keysProcessed = 0;
  /** Buckets that were written so far, and those of them that were because they were about to change. */
  bucketsWritten = 0;
  bucketsForced = 0;
  /** Bytes that were copied, or written early, because they were about to change. */
  copiedBytes = 0;
  readonly keysTotal: number;
  private readonly walks: TableWalk[];
  private walk = 0;
  private readonly main: Output;
  private readonly aside: Output;
  private current: PendingCollection | undefined;
  private readonly waiting: PendingCollection[] = [];
  private readonly images = new Map<Collection, CollectionImage>();
  private ended = false;
  /** A bucket is being written because it is about to change. */
  private forced = false;
  /** The database of the bucket that is being written, and where it is written to. */
  private visited: TableWalk | undefined;
  private output: Output;

  /** Writes nothing yet; the moment is this one. `compress`: see `rdbcompression`. */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly format: SnapshotFormat,
    private readonly sink: SnapshotSink,
    compress: boolean,
    /** Nothing changes before `finish` has returned: nothing has to be watched, and nothing has to be quick. */
    private readonly still = false,
  ) {
    const longest = still ? Number.POSITIVE_INFINITY : longestCompressed;
    const writer = new RdbWriter(compress, (chunk) => sink.write(chunk), longest);
    this.main = { writer, selected: -1 };
    this.aside = { writer: new RdbWriter(compress, undefined, longest), selected: -1 };
    this.output = this.main;
    this.keysTotal = keyspace.size;
    this.walks = keyspace.databases.filter(({ size }) => size > 0).map(newWalk);
    if (!still) this.watch();
    format.begin(this.main.writer);
  }

  private watch(): void {
    const { arena, lazyFree } = this.keyspace;
    if (arena.onFirstChange !== undefined) throw new Error('there is a snapshot already');
    arena.epoch++;
    arena.onFirstChange = (owner) => this.beforeFirstChange(owner);
    lazyFree.enterEpoch(arena.epoch);
    for (const walk of this.walks) {
      walk.table.beforeBucketChange = (bucket) => this.beforeBucketChange(walk, bucket);
    }
  }

  private unwatch(): void {
    this.ended = true;
    if (this.still) return;
    this.keyspace.arena.onFirstChange = undefined;
    for (const { table } of this.walks) table.beforeBucketChange = undefined;
    for (const image of this.images.values()) image.drop();
    this.images.clear();
  }

  /** Goes on for about so long, or until the sink is busy. True when everything has been handed to the sink. */
  step(clock: Clock, budgetMicroseconds: number): boolean {
    const end = clock.microseconds() + budgetMicroseconds;
    while (!this.ended && !this.isHeldUp) {
      this.advance();
      if (clock.microseconds() >= end) break;
    }
    return this.ended;
  }

  /** It would not go on now, because the sink is busy. */
  get isHeldUp(): boolean {
    return this.sink.unsentBytes >= (this.sink.mostUnsentBytes ?? defaultMostUnsentBytes);
  }

  /** As `copiedBytes`, with what collections that are still to be written have copied. */
  get allCopiedBytes(): number {
    let bytes = this.copiedBytes;
    for (const image of this.images.values()) bytes += image.copiedBytes;
    return bytes;
  }

  /** Writes all that is left, whether the sink is busy or not. */
  finish(): void {
    while (!this.ended) this.advance();
  }

  /** Gives up: nothing more is written. */
  abort(): void {
    if (!this.ended) this.unwatch();
    this.waiting.length = 0;
    this.current = undefined;
  }

  /** One small piece of work. */
  private advance(): void {
    if (this.current !== undefined) return this.writeElements(this.current);
    const next = this.waiting.shift();
    if (next !== undefined) return this.beginCollection(next);
    for (let buckets = bucketsPerLook; buckets > 0 && this.waiting.length === 0; buckets--) {
      if (!this.writeNextBucket()) return;
    }
  }

  /** False if there was none. */
  private writeNextBucket(): boolean {
    const walk = this.walks[this.walk];
    if (walk === undefined) {
      this.end();
      return false;
    }
    if (walk.next === 0) this.announce(walk);
    while (walk.next < walk.done.size) {
      const bucket = walk.next++;
      if (!walk.done.add(bucket)) continue;
      // A table that is emptied drops the buckets in which there was nothing without a word.
      if (bucket < walk.table.bucketCount) {
        if ((bucket & (bucketsAhead - 1)) === 0) touchAhead(walk.table, bucket);
        this.writeBucket(walk, bucket);
      }
      return true;
    }
    if (!this.still) walk.table.beforeBucketChange = undefined;
    this.walk++;
    return true;
  }

  private announce(walk: TableWalk): void {
    this.select(this.main, walk.index);
    this.format.announceDatabase(this.main.writer, walk.size, walk.expiring);
  }

  private end(): void {
    this.unwatch();
    this.format.end(this.main.writer);
    this.main.writer.handOver();
  }

  private beforeBucketChange(walk: TableWalk, bucket: number): void {
    if (!walk.done.add(bucket)) return;
    this.forced = true;
    this.bucketsForced++;
    touched[0] ^= walk.table.touchBucketEntries(bucket);
    this.guarded(() => this.writeBucket(walk, bucket));
    this.forced = false;
  }

  /** A collection is about to change and its entry's bucket has not been seen: its key is not known yet. */
  private beforeFirstChange(owner: Imaged): void {
    // Only collections announce: they are what has an epoch in the arena.
    const collection = owner as Collection;
    const image = this.guarded(() => collection.takeImage());
    if (image !== undefined) this.images.set(collection, image);
  }

  /** Runs in the middle of a command, whose views of integers must not be overwritten. */
  private guarded<T>(work: () => T): T {
    exchangeDecimalTexts();
    try {
      return work();
    } finally {
      exchangeDecimalTexts();
    }
  }

  private writeBucket(walk: TableWalk, bucket: number): void {
    this.visited = walk;
    this.bucketsWritten++;
    this.output = this.current === undefined ? this.main : this.aside;
    walk.table.forEachInBucket(bucket, this.writeEntry);
  }

  private readonly writeEntry = (ref: Ref): void => {
    const { database, index } = this.visited!;
    this.keysProcessed++;
    if (this.forced) this.copiedBytes += this.keyspace.arena.capacityOf(ref);
    if (isHandle(database.kindOf(ref)) && this.postpone(database, index, ref)) return;
    this.select(this.output, index);
    this.format.entry(this.output.writer, database, ref);
  };

  /** Puts an entry's collection on the list of those to be written. False if it cannot be written in slices. */
  private postpone(database: Database, index: number, ref: Ref): boolean {
    if (this.still) return false;
    const { images, keyspace } = this;
    const collection = database.collection<Collection>(ref);
    const image = images.get(collection) ?? collection.takeImage();
    if (image === undefined) return false;
    collection.epoch = keyspace.arena.epoch;
    const writer = this.format.collection(database, ref, image);
    if (writer === undefined) {
      image.drop();
      return false;
    }
    images.set(collection, image);
    this.waiting.push({ collection, index, image, writer });
    return true;
  }

  private select(output: Output, index: number): void {
    if (output.selected === index) return;
    output.selected = index;
    this.format.selectDatabase(output.writer, index);
  }

  private beginCollection(pending: PendingCollection): void {
    this.current = pending;
    this.select(this.main, pending.index);
    pending.writer.begin(this.main.writer);
  }

  private writeElements({ collection, image, writer }: PendingCollection): void {
    const { main, aside } = this;
    const out = main.writer;
    const all = image.visitSome(elementsPerLook, (name, value, number) =>
      writer.element(out, name, value, number),
    );
    if (!all) return;
    writer.end(out);
    this.copiedBytes += image.copiedBytes;
    image.drop();
    this.images.delete(collection);
    this.current = undefined;
    if (aside.selected === -1) return;
    out.raw(aside.writer.bytes);
    aside.writer.clear();
    main.selected = aside.selected;
    aside.selected = -1;
  }
}

/** Where reads go that only warm the cache, so that the compiler does not leave them out. */
const touched = new Uint8Array(1);

function touchAhead(table: Table, from: number): void {
  const end = Math.min(from + bucketsAhead, table.bucketCount);
  for (let bucket = from; bucket < end; bucket++) touched[0] ^= table.touchBucketEntries(bucket);
}

function newWalk(database: Database): TableWalk {
  const { keys, index, expires } = database;
  return {
    index,
    database,
    table: keys,
    size: keys.size,
    expiring: expires.size,
    done: new BucketSet(keys.bucketCount),
    next: 0,
  };
}
