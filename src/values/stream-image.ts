import { Bytes } from '../bytes/bytes.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { CollectionImage, VisitElement } from './collection.js';
import { type Consumer, type ConsumerGroup, consumerNumberAt, countAt, timeAt } from './consumer-group.js';
import type { IdRow } from './id-index.js';
import { IndexImage } from './index-image.js';
import type { Stream } from './stream.js';
import { ID_BYTES, StreamId } from './stream-id.js';
import { NodeWord } from './stream-node.js';

/**
 * What a visitor of a stream's image is shown, as the number of an element, in this order: the nodes (the master ID's
 * bytes, the listpack), then each group, its pending entries, and its consumers, each followed by its own pending
 * entries. What is not in the views is to be read from the image.
 */
export const StreamPart = { node: 0, group: 1, pending: 2, consumer: 3, owned: 4 } as const;
type Part = (typeof StreamPart)[keyof typeof StreamPart];

/** What a node counts beside a pending entry: it has some hundred elements, but is copied as a whole. */
const NODE_COST = 16;

const idBytes = new Bytes(Buffer.alloc(ID_BYTES));
const listpack = new Bytes();
const nothing = new Bytes();

/** A consumer as it was. */
class ConsumerImage {
  readonly name: string;
  readonly number: number;
  readonly seenTime: number;
  readonly activeTime: number;
  readonly pending: IndexImage;

  constructor({ name, number, seenTime, activeTime, pending }: Consumer, still: boolean) {
    this.name = name;
    this.number = number;
    this.seenTime = seenTime;
    this.activeTime = activeTime;
    this.pending = new IndexImage(pending, still);
  }
}

/** A group as it was. */
class GroupImage {
  readonly name: string;
  readonly lastId = new StreamId();
  readonly entriesRead: number;
  readonly pending: IndexImage;
  readonly consumers: ConsumerImage[];
  private readonly names: ReadonlyMap<number, string>;

  constructor(group: ConsumerGroup, still: boolean) {
    this.name = group.name;
    this.lastId.assign(group.lastId);
    this.entriesRead = group.entriesRead;
    this.pending = new IndexImage(group.pending, still);
    this.consumers = group.sortedConsumers().map((consumer) => new ConsumerImage(consumer, still));
    this.names = new Map(this.consumers.map(({ number, name }) => [number, name]));
  }

  /** The name of the consumer with that number. */
  nameOf(consumer: number): string {
    return this.names.get(consumer) ?? '';
  }

  get copiedBytes(): number {
    return this.consumers.reduce((sum, { pending }) => sum + pending.copiedBytes, this.pending.copiedBytes);
  }

  drop(): void {
    this.pending.drop();
    for (const { pending } of this.consumers) pending.drop();
  }
}

/**
 * The image of a stream with its groups. Nodes that were not visited yet are copied before they change, the indexes of
 * nodes and pending entries in pieces. Taking it costs O(chunks of indexes) and O(consumers).
 */
export class StreamImage implements CollectionImage {
  readonly soonestExpiry = NO_EXPIRY;
  /** What was known of the stream. */
  readonly size: number;
  readonly entriesAdded: number;
  readonly lastId = new StreamId();
  readonly firstId = new StreamId();
  readonly maxDeletedId = new StreamId();
  readonly groups: GroupImage[];
  /** The group that is being visited, its present consumer, and the ID of the present node or pending entry. */
  group!: GroupImage;
  consumer!: ConsumerImage;
  readonly id = new StreamId();
  /** The present pending entry: when it was last delivered, how often, and whose it is. */
  time = 0;
  deliveries = 0;
  owner = 0;
  private readonly arena: Stream['arena'];
  private readonly nodes: IndexImage;
  /** Nodes that changed, by their numbers, and the number of the last one that was visited. */
  private readonly kept = new Map<number, Buffer>();
  private lastSerial = 0;
  private readonly newestSerial: number;
  private keptBytes = 0;
  private readonly parts: Generator<Part>;

  /**
   * `still`: the stream does not change until all was visited. Otherwise `onDrop` is called when it may as it likes.
   */
  constructor(
    stream: Stream,
    still = true,
    private readonly onDrop: () => void = () => {},
  ) {
    this.arena = stream.arena;
    this.size = stream.size;
    this.entriesAdded = stream.entriesAdded;
    this.lastId.assign(stream.lastId);
    this.firstId.assign(stream.firstId);
    this.maxDeletedId.assign(stream.maxDeletedId);
    this.nodes = new IndexImage(stream.nodes, still);
    this.newestSerial = stream.newestSerial;
    this.groups = stream.sortedGroups().map((group) => new GroupImage(group, still));
    this.parts = this.walk();
  }

  /** Nodes. */
  get count(): number {
    return this.nodes.size;
  }

  get copiedBytes(): number {
    return this.groups.reduce(
      (sum, group) => sum + group.copiedBytes,
      this.keptBytes + this.nodes.copiedBytes,
    );
  }

  /** The node in that row of the stream's index is about to change or to go. */
  keep({ words, at }: IdRow): void {
    const serial = words[at + NodeWord.serial];
    if (serial <= this.lastSerial || serial > this.newestSerial || this.kept.has(serial)) return;
    const ref = words[at + NodeWord.ref];
    const from = this.arena.offsetOf(ref);
    const bytes = Buffer.from(this.arena.bufferOf(ref).subarray(from, from + words[at + NodeWord.length]));
    this.keptBytes += bytes.length;
    this.kept.set(serial, bytes);
  }

  visitSome(budget: number, visit: VisitElement): boolean {
    for (let left = budget; left > 0; ) {
      const { value: part, done } = this.parts.next();
      if (done) return true;
      if (part === StreamPart.node) visit(idBytes, listpack, part);
      else visit(nothing, nothing, part);
      left -= part === StreamPart.node ? NODE_COST : 1;
    }
    return false;
  }

  /** Sets the views and the present things, one part after the other. */
  private *walk(): Generator<Part, undefined> {
    while (this.nodes.next()) {
      this.showNode(this.nodes);
      yield StreamPart.node;
    }
    for (const group of this.groups) yield* this.walkGroup(group);
    return undefined;
  }

  private showNode(row: IdRow): void {
    const { words, at } = row;
    const serial = words[at + NodeWord.serial];
    const kept = this.kept.get(serial);
    if (kept === undefined) {
      const ref = words[at + NodeWord.ref];
      listpack.buffer = this.arena.bufferOf(ref);
      listpack.start = this.arena.offsetOf(ref);
      listpack.end = listpack.start + words[at + NodeWord.length];
    } else {
      this.kept.delete(serial);
      listpack.buffer = kept;
      listpack.start = 0;
      listpack.end = kept.length;
    }
    this.lastSerial = serial;
    this.nodes.readId(this.id).encode(idBytes.buffer, 0);
  }

  private *walkGroup(group: GroupImage): Generator<Part> {
    this.group = group;
    yield StreamPart.group;
    for (const { pending } = group; pending.next(); ) {
      pending.readId(this.id);
      this.time = timeAt(pending);
      this.deliveries = countAt(pending);
      this.owner = consumerNumberAt(pending);
      yield StreamPart.pending;
    }
    for (const consumer of group.consumers) {
      this.consumer = consumer;
      yield StreamPart.consumer;
      for (const { pending } = consumer; pending.next(); ) {
        pending.readId(this.id);
        yield StreamPart.owned;
      }
    }
  }

  drop(): void {
    this.nodes.drop();
    for (const group of this.groups) group.drop();
    this.kept.clear();
    this.onDrop();
  }
}
