import { TWO_32 } from '../bytes/little-endian.js';
import { Handles } from '../memory/handles.js';
import { ID_WORDS, IdCursor, IdIndex, type IdRow, type IndexAccount } from './id-index.js';
import { StreamId } from './stream-id.js';

/** A pending entry's row in its group: the ID, then time and count as two words each, and the consumer's number. */
const PendingWord = { time: ID_WORDS, count: ID_WORDS + 2, consumer: ID_WORDS + 4 } as const;
const PENDING_WIDTH = ID_WORDS + 5;

/** In place of a consumer's number. */
const NOBODY = -1;

/** `ConsumerGroup.entriesRead` when nobody can say how many that were. */
export const UNKNOWN_ENTRIES_READ = -1;
/** `Consumer.activeTime` of one that never got an entry. */
export const NEVER = -1;

/** About what a consumer and a group take beside their indexes. */
const CONSUMER_OBJECT_BYTES = 320;
const GROUP_OBJECT_BYTES = 640;

/** Someone who reads for a group: who it is, when it was last seen, and which entries it has not acknowledged. */
export class Consumer {
  /** Unix time in ms of the last command in its name, and of the last one that gave it entries. */
  seenTime: number;
  activeTime = NEVER;
  /** The IDs of its pending entries. */
  readonly pending: IdIndex;

  constructor(
    readonly name: string,
    /** Its number in the group. */
    readonly number: number,
    now: number,
    pending: IdIndex,
  ) {
    this.seenTime = now;
    this.pending = pending;
  }
}

const own = new IdCursor();

/**
 * A consumer group: how far it has read, its consumers, and the entries that were delivered and not yet acknowledged,
 * by ID, for the whole group and for each consumer. Names are latin1.
 */
export class ConsumerGroup {
  /** The last entry that was delivered. */
  readonly lastId = new StreamId();
  /** How many entries of the stream's history are before or at `lastId`. */
  entriesRead = UNKNOWN_ENTRIES_READ;
  /**
   * The node and the place in it behind the last entry delivered, see `StreamCursor.seekFrom`; 0 if that is not
   * known.
   */
  nextSerial = 0;
  nextPlace = 0;
  readonly pending: IdIndex;
  private readonly byName = new Map<string, Consumer>();
  private readonly byNumber = new Handles<Consumer>();

  constructor(
    readonly name: string,
    private readonly account: IndexAccount,
  ) {
    this.pending = new IdIndex(PENDING_WIDTH, account);
    account.indexBytes += GROUP_OBJECT_BYTES + name.length;
  }

  /** Sets the last entry that was delivered, other than by going on to the next one. */
  setLastId(id: StreamId): void {
    this.lastId.assign(id);
    this.nextSerial = 0;
  }

  get bytes(): number {
    let sum = GROUP_OBJECT_BYTES + this.name.length + this.pending.bytes;
    for (const { name, pending } of this.byName.values()) {
      sum += CONSUMER_OBJECT_BYTES + name.length + pending.bytes;
    }
    return sum;
  }

  get consumerCount(): number {
    return this.byName.size;
  }

  consumer(name: string): Consumer | undefined {
    return this.byName.get(name);
  }

  /** The consumers in the order of their names. */
  sortedConsumers(): Consumer[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** There must be none of that name. */
  createConsumer(name: string, now: number): Consumer {
    const number = this.byNumber.add(undefined as unknown as Consumer); // the number is a part of what it stands for
    const consumer = new Consumer(name, number, now, new IdIndex(ID_WORDS, this.account));
    this.byNumber.set(number, consumer);
    this.byName.set(name, consumer);
    this.account.indexBytes += CONSUMER_OBJECT_BYTES + name.length;
    return consumer;
  }

  /** Removes a consumer, and its pending entries with it. Returns how many those were. */
  deleteConsumer(consumer: Consumer): number {
    const { pending } = consumer;
    const id = new StreamId();
    const place = new IdCursor();
    for (own.first(pending); !own.done; own.next()) {
      if (this.pending.find(own.readId(id), place)) this.pending.remove(place);
    }
    const lost = pending.size;
    this.forgetConsumer(consumer);
    return lost;
  }

  private forgetConsumer(consumer: Consumer): void {
    consumer.pending.clear();
    this.byName.delete(consumer.name);
    this.byNumber.remove(consumer.number);
    this.account.indexBytes -= CONSUMER_OBJECT_BYTES + consumer.name.length;
  }

  /**
   * An entry was delivered to a consumer: it is pending, whether it was before or not, and its consumer's alone.
   * Leaves the cursor on its row.
   */
  deliver(id: StreamId, consumer: Consumer, time: number, count: number, cursor: IdCursor): void {
    const { pending } = this;
    if (pending.size === 0 || cursor.last(pending).compare(id) < 0) pending.append(id, cursor);
    else if (pending.find(id, cursor)) return this.hand(id, consumer, time, count, cursor);
    else pending.insert(id, cursor);
    addId(consumer.pending, id);
    cursor.words[cursor.at + PendingWord.consumer] = consumer.number;
    writePair(cursor, PendingWord.time, time);
    writePair(cursor, PendingWord.count, count);
  }

  /** Adds a pending entry that no consumer has yet: `own` is to follow. False if it is there already. */
  addUnowned(id: StreamId, time: number, count: number): boolean {
    const { pending } = this;
    if (pending.size === 0 || own.last(pending).compare(id) < 0) pending.append(id, own);
    else if (pending.find(id, own)) return false;
    else pending.insert(id, own);
    own.words[own.at + PendingWord.consumer] = NOBODY;
    writePair(own, PendingWord.time, time);
    writePair(own, PendingWord.count, count);
    return true;
  }

  /** Gives a pending entry to its first consumer. False if it is not there, or has one. */
  own(id: StreamId, consumer: Consumer): boolean {
    if (!this.pending.find(id, own) || own.words[own.at + PendingWord.consumer] !== NOBODY) return false;
    own.beforeWrite();
    own.words[own.at + PendingWord.consumer] = consumer.number;
    addId(consumer.pending, id);
    return true;
  }

  /** Gives the pending entry at the cursor to a consumer. */
  hand(id: StreamId, consumer: Consumer, time: number, count: number, cursor: IdCursor): void {
    const holder = this.consumerAt(cursor);
    cursor.beforeWrite();
    if (holder !== consumer) {
      removeId(holder.pending, id);
      addId(consumer.pending, id);
      cursor.words[cursor.at + PendingWord.consumer] = consumer.number;
    }
    writePair(cursor, PendingWord.time, time);
    writePair(cursor, PendingWord.count, count);
  }

  /** An entry is done with. False if it was not pending. */
  acknowledge(id: StreamId, cursor: IdCursor): boolean {
    if (!this.pending.find(id, cursor)) return false;
    this.drop(id, cursor);
    return true;
  }

  /** Removes the pending entry at the cursor, which goes on to the next one. */
  drop(id: StreamId, cursor: IdCursor): void {
    removeId(this.consumerAt(cursor).pending, id);
    this.pending.remove(cursor);
  }

  consumerAt(cursor: IdCursor): Consumer {
    return this.byNumber.get(consumerNumberAt(cursor));
  }

  /** Gives back the memory. The group is of no use then. */
  release(): void {
    this.pending.clear();
    for (const consumer of [...this.byName.values()]) this.forgetConsumer(consumer);
    this.account.indexBytes -= GROUP_OBJECT_BYTES + this.name.length;
  }

  copy(account: IndexAccount): ConsumerGroup {
    const copy = new ConsumerGroup(this.name, account);
    copy.lastId.assign(this.lastId);
    copy.entriesRead = this.entriesRead;
    for (const consumer of this.byName.values()) {
      const its = copy.createConsumer(consumer.name, consumer.seenTime);
      its.activeTime = consumer.activeTime;
    }
    const id = new StreamId();
    const from = new IdCursor();
    const to = new IdCursor();
    for (from.first(this.pending); !from.done; from.next()) {
      const its = copy.byName.get(this.consumerAt(from).name)!;
      copy.deliver(from.readId(id), its, timeAt(from), countAt(from), to);
    }
    return copy;
  }
}

/** The number of the consumer that has a pending entry. */
export function consumerNumberAt({ words, at }: IdRow): number {
  return words[at + PendingWord.consumer];
}

/** When the pending entry at the cursor was last delivered, in unix ms. */
export function timeAt(row: IdRow): number {
  return readPair(row, PendingWord.time);
}

/** How often the pending entry at the cursor was delivered. */
export function countAt(row: IdRow): number {
  return readPair(row, PendingWord.count);
}

export function setTimeAt(cursor: IdCursor, time: number): void {
  cursor.beforeWrite();
  writePair(cursor, PendingWord.time, time);
}

export function setCountAt(cursor: IdCursor, count: number): void {
  cursor.beforeWrite();
  writePair(cursor, PendingWord.count, count);
}

/** A number in two words. */
function readPair({ words, at }: IdRow, word: number): number {
  return words[at + word] * TWO_32 + (words[at + word + 1] >>> 0);
}

function writePair({ words, at }: IdCursor, word: number, n: number): void {
  words[at + word] = Math.floor(n / TWO_32);
  words[at + word + 1] = n | 0;
}

function addId(index: IdIndex, id: StreamId): void {
  if (index.size === 0 || own.last(index).compare(id) < 0) index.append(id, own);
  else if (!index.find(id, own)) index.insert(id, own);
}

function removeId(index: IdIndex, id: StreamId): void {
  if (index.find(id, own)) index.remove(own);
}
