import { TWO_32 } from '../bytes/little-endian.js';
import { kinds } from '../keyspace/kinds.js';
import type { Consumer, ConsumerGroup } from '../values/consumer-group.js';
import { entriesUpTo } from '../values/group-progress.js';
import { Stream } from '../values/stream.js';
import { ID_BYTES, StreamId } from '../values/stream-id.js';
import type { RdbReader } from './rdb-reader.js';
import { Length } from './rdb-types.js';
import { collectionValue, type GradualValue, type SavedValue, type ValueTarget } from './saved-value.js';
import { checkStreamNode } from './stream-node-check.js';

/** Reads what stream-save.ts writes, in all three forms. */

const id = new StreamId();

/** So many steps of reading are done in one go. */
const stepsAtOnce = 200;

/** What comes next in the bytes: each reads one thing as a whole, or throws and has changed nothing. */
type Step = 'node' | 'head' | 'group' | 'pending' | 'consumerCount' | 'consumer' | 'owned' | 'end';

/** A stream that is being read, node by node. Everything is checked, for whoever reads it trusts it. */
class GradualStream implements GradualValue {
  private readonly stream: Stream;
  private step: Step = 'node';
  /** Things that are still to be read, from the outermost to the innermost. */
  private nodesLeft: number;
  private groupsLeft = 0;
  private pendingLeft = 0;
  private consumersLeft = 0;
  private ownedLeft = 0;
  private group: ConsumerGroup | undefined;
  private consumer: Consumer | undefined;
  /** Pending entries of the group that have a consumer. */
  private ownedCount = 0;
  private live = 0;
  private readonly lastEntry = new StreamId();

  constructor(
    nodes: number,
    target: ValueTarget,
    private readonly form: number,
  ) {
    const { arena, streamSettings } = target.keyspace;
    this.stream = new Stream(arena, streamSettings);
    this.nodesLeft = nodes;
    if (nodes === 0) this.step = 'head';
  }

  readMore(reader: RdbReader): SavedValue | undefined {
    for (let left = stepsAtOnce; left > 0 && this.step !== 'end'; left--) {
      const start = reader.offset;
      try {
        this.step = this.take(reader);
      } catch (error) {
        reader.offset = start;
        throw error;
      }
    }
    return this.step === 'end' ? collectionValue(kinds.stream, this.stream) : undefined;
  }

  discard(): void {
    while (!this.stream.freeSlice(Number.POSITIVE_INFINITY));
  }

  private take(reader: RdbReader): Step {
    switch (this.step) {
      case 'node':
        return this.takeNode(reader);
      case 'head':
        return this.takeHead(reader);
      case 'group':
        return this.takeGroup(reader);
      case 'pending':
        return this.takePending(reader);
      case 'consumerCount':
        this.consumersLeft = reader.count();
        return this.afterOwned(reader);
      case 'consumer':
        return this.takeConsumer(reader);
      case 'owned':
        return this.takeOwned(reader);
      default:
        return 'end';
    }
  }

  private takeNode(reader: RdbReader): Step {
    const key = reader.string();
    if (key.length !== ID_BYTES) throw reader.fail('node of a stream whose key is no ID');
    const master = new StreamId().decode(key.buffer, key.start);
    const listpack = reader.string();
    if (this.stream.nodes.size > 0 && master.compare(this.lastEntry) <= 0) {
      throw reader.fail('nodes of a stream that are not in order');
    }
    if (!checkStreamNode(listpack, master, id))
      throw reader.fail('Stream listpack integrity check failed before the byte');
    this.live += this.stream.appendNode(master, listpack.buffer, listpack.start, listpack.length);
    this.lastEntry.assign(id);
    return --this.nodesLeft > 0 ? 'node' : 'head';
  }

  private takeHead(reader: RdbReader): Step {
    const { stream } = this;
    const size = reader.length();
    if (size !== this.live) throw reader.fail('stream with another number of entries than it says');
    const last = readId(reader, new StreamId());
    if (stream.nodes.size > 0 && last.compare(this.lastEntry) < 0) {
      throw reader.fail('stream whose last ID is not the greatest');
    }
    const maxDeleted = new StreamId();
    let entriesAdded = size;
    if (this.form >= 2) {
      readId(reader, id); // the first entry's, which is seen from the entries
      readId(reader, maxDeleted);
      entriesAdded = Math.max(readNumber(reader), 0);
    }
    this.groupsLeft = reader.count();
    stream.size = size;
    stream.entriesAdded = entriesAdded;
    stream.lastId.assign(last);
    stream.maxDeletedId.assign(maxDeleted);
    stream.findFirst();
    return this.groupsLeft > 0 ? 'group' : 'end';
  }

  private takeGroup(reader: RdbReader): Step {
    const { stream } = this;
    const name = reader.string().latin1();
    const last = readId(reader, new StreamId());
    const entriesRead = this.form >= 2 ? readNumber(reader) : entriesUpTo(stream, last);
    const pending = reader.count();
    if (stream.groups.has(name)) throw reader.fail('stream with a consumer group twice');
    this.group = stream.createGroup(name, last, entriesRead);
    this.pendingLeft = pending;
    this.ownedCount = 0;
    this.groupsLeft--;
    return pending > 0 ? 'pending' : 'consumerCount';
  }

  private takePending(reader: RdbReader): Step {
    readRawId(reader, id);
    const time = reader.time();
    const count = readNumber(reader);
    if (!this.group!.addUnowned(id, time, count))
      throw reader.fail('consumer group with a pending entry twice');
    return --this.pendingLeft > 0 ? 'pending' : 'consumerCount';
  }

  private takeConsumer(reader: RdbReader): Step {
    const name = reader.string().latin1();
    const seen = reader.time();
    const active = this.form >= 3 ? reader.time() : seen;
    const owned = reader.count();
    if (this.group!.consumer(name) !== undefined)
      throw reader.fail('Duplicate stream consumer detected before the byte');
    this.consumer = this.group!.createConsumer(name, seen);
    this.consumer.activeTime = active;
    this.ownedLeft = owned;
    this.consumersLeft--;
    return owned > 0 ? 'owned' : this.afterOwned(reader);
  }

  private takeOwned(reader: RdbReader): Step {
    readRawId(reader, id);
    if (!this.group!.own(id, this.consumer!)) {
      throw reader.fail('consumer with an entry that is not pending, or is of another one');
    }
    this.ownedCount++;
    return --this.ownedLeft > 0 ? 'owned' : this.afterOwned(reader);
  }

  /** A consumer is done, or the group has none. */
  private afterOwned(reader: RdbReader): Step {
    if (this.consumersLeft > 0) return 'consumer';
    if (this.ownedCount < this.group!.pending.size) throw reader.fail('pending entry without a consumer');
    return this.groupsLeft > 0 ? 'group' : 'end';
  }
}

/** Begins to read a stream in that form, 1 to 3. */
export function loadStream(reader: RdbReader, target: ValueTarget, form: number): GradualValue {
  return new GradualStream(reader.count(), target, form);
}

function readRawId(reader: RdbReader, into: StreamId): StreamId {
  const { buffer, start } = reader.raw(ID_BYTES);
  return into.decode(buffer, start);
}

const words = { high: 0, low: 0 };

function readWords(reader: RdbReader): void {
  if (reader.byte() === Length.long) {
    const { buffer, start } = reader.raw(8);
    words.high = buffer.readInt32BE(start);
    words.low = buffer.readInt32BE(start + 4);
    return;
  }
  reader.offset--;
  const n = reader.length();
  words.high = (n / TWO_32) | 0;
  words.low = n | 0;
}

function readId(reader: RdbReader, into: StreamId): StreamId {
  readWords(reader);
  const { high, low } = words;
  readWords(reader);
  return into.setWords(high, low, words.high, words.low);
}

/** What `saveNumber` wrote: a number of 63 bits, or -1. */
function readNumber(reader: RdbReader): number {
  readWords(reader);
  return words.high < 0 ? -1 : words.high * TWO_32 + (words.low >>> 0);
}
