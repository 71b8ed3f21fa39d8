import type { Bytes } from '../bytes/bytes.js';
import { copyBytes } from '../bytes/bytes.js';
import type { Arena } from '../memory/arena.js';
import {
  EMPTY_LISTPACK_LENGTH,
  END,
  HEADER_LENGTH,
  toldCount,
  writeListpackHeader,
} from '../memory/listpack-format.js';
import { Collection } from './collection.js';
import { ConsumerGroup } from './consumer-group.js';
import { IdCursor, IdIndex } from './id-index.js';
import { StreamCursor } from './stream-cursor.js';
import { StreamId } from './stream-id.js';
import { StreamImage } from './stream-image.js';
import {
  countEntry,
  deletedEntries,
  EncodedElements,
  EntryFlag,
  hasMasterFields,
  liveEntries,
  NODE_WIDTH,
  NodeWord,
  nodeBytes,
  setCounts,
} from './stream-node.js';
import type { StreamSettings } from './stream-settings.js';
import { NO_LIMIT } from './stream-settings.js';

/** About what the objects of a stream take: itself, its IDs, its index. */
const STREAM_OBJECT_BYTES = 480;
/** Bytes that an element takes beside its data at most, and the numbers of an entry. */
const MOST_ELEMENT_HEAD = 10;
const MOST_ENTRY_HEAD = 60;
/** The least block of a node that is likely to grow. */
const LEAST_NODE = 112;

// Commands run one after the other, so all streams can share these.
const cursor = new StreamCursor();
const node = new IdCursor();
const elements = new EncodedElements();

/**
 * A log of entries, each a list of fields and values under an ID greater than all before. Entries lie in nodes (see
 * stream-node.ts), blocks of the arena that an index finds by ID. Appending is O(1), so is trimming a node from the
 * beginning; an entry is found in O(log nodes) and the walk through a node.
 *
 * Bytes that are written must not be a view of the same stream.
 */
export class Stream extends Collection {
  /** Entries that are not deleted. */
  size = 0;
  /** Entries that were ever added. */
  entriesAdded = 0;
  /** The greatest ID ever given out. */
  readonly lastId = new StreamId();
  /** The ID of the first entry, 0-0 if there is none. */
  readonly firstId = new StreamId();
  /** The greatest ID that was deleted, not counting trimming. */
  readonly maxDeletedId = new StreamId();
  readonly groups = new Map<string, ConsumerGroup>();
  readonly nodes: IdIndex;
  /** So many bytes at the beginning of the first node's entries are deleted ones. */
  headSkip = 0;
  /** The number of the newest node. */
  private serials = 0;
  /** What a snapshot still has to see of the stream as it was. */
  private image: StreamImage | undefined;

  constructor(
    override readonly arena: Arena,
    private readonly settings: StreamSettings,
  ) {
    super(arena);
    this.nodes = new IdIndex(NODE_WIDTH, arena);
    arena.indexBytes += STREAM_OBJECT_BYTES;
  }

  /** The number of the node that was made last. */
  get newestSerial(): number {
    return this.serials;
  }

  get bytes(): number {
    let sum = STREAM_OBJECT_BYTES + this.nodes.bytes;
    for (const group of this.groups.values()) sum += group.bytes;
    return sum;
  }

  elementBytes(samples: number): number {
    let bytes = 0;
    let seen = 0;
    for (node.first(this.nodes); !node.done && (samples === 0 || seen < samples); node.next()) {
      bytes += this.arena.capacityOf(node.words[node.at + NodeWord.ref]);
      seen++;
    }
    return seen === 0 ? 0 : Math.round((bytes / seen) * this.nodes.size);
  }

  override takeImage(): StreamImage {
    this.image = new StreamImage(this, false, () => {
      this.image = undefined;
    });
    return this.image;
  }

  /** To be called before a node changes. Of a node that an image has kept, it does not need the row any more. */
  beforeNodeChange(at: IdCursor): void {
    if (this.image !== undefined) this.image.keep(at);
  }

  /** Appends an entry: the arguments [from, to) are its fields and values. The ID must be greater than `lastId`. */
  append(id: StreamId, args: Bytes[], from: number, to: number): void {
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += args[i].length;
    node.last(this.nodes);
    if (node.done || this.isFull(bytes)) this.appendToNewNode(id, args, from, to);
    else this.appendToNode(id, args, from, to, bytes);
    if (this.size === 0) this.firstId.assign(id);
    this.size++;
    this.entriesAdded++;
    this.lastId.assign(id);
  }

  /** True if the node that `node` is at takes no entry with so many bytes of fields and values. */
  private isFull(bytes: number): boolean {
    const { settings, arena } = this;
    if (node.words[node.at + NodeWord.length] + bytes >= settings.nodeBytes) return true;
    if (settings.nodeEntries === NO_LIMIT) return false;
    const ref = node.words[node.at + NodeWord.ref];
    const buffer = arena.bufferOf(ref);
    const base = arena.offsetOf(ref);
    return liveEntries(buffer, base) + deletedEntries(buffer, base) >= settings.nodeEntries;
  }

  private appendToNode(id: StreamId, args: Bytes[], from: number, to: number, bytes: number): void {
    const { arena } = this;
    this.beforeNodeChange(node);
    const ref = node.words[node.at + NodeWord.ref];
    const length = node.words[node.at + NodeWord.length];
    const base = arena.offsetOf(ref);
    const same = hasMasterFields(arena.bufferOf(ref), base, args, from, to);
    const most = length + bytes + (to - from) * MOST_ELEMENT_HEAD + MOST_ENTRY_HEAD;
    const fits = most <= arena.capacityOf(ref);
    if (fits) elements.writeTo(arena.bufferOf(ref), base + length - 1);
    else elements.clear();
    encodeEntry(id, args, from, to, same);
    const wanted = Math.min(2 * (length + elements.length), this.settings.nodeBytes);
    nodeBytes.point(arena, node);
    nodeBytes.reserve(length + elements.length, wanted);
    const { buffer, offset } = nodeBytes;
    const at = offset + length - 1;
    if (!fits) copyBytes(buffer, at, elements.buffer, 0, elements.length);
    buffer[at + elements.length] = END;
    node.words[node.at + NodeWord.length] = length + elements.length;
    // Once unknown, the count stays so.
    writeListpackHeader(buffer, offset, length + elements.length, toldCount(buffer, offset) + elements.count);
    countEntry(arena, node, buffer, offset);
  }

  private appendToNewNode(id: StreamId, args: Bytes[], from: number, to: number): void {
    const { arena, nodes } = this;
    elements.clear();
    elements.addInteger(1);
    elements.addInteger(0);
    elements.addInteger((to - from) >> 1);
    for (let i = from; i < to; i += 2) elements.add(args[i]);
    elements.addInteger(0);
    encodeFirstEntry(args, from, to);
    const length = EMPTY_LISTPACK_LENGTH + elements.length;
    const ref = arena.allocate(Math.max(length, this.roomForNew()));
    if (!node.done) {
      this.beforeNodeChange(node);
      nodeBytes.point(arena, node);
      nodeBytes.trim();
    }
    nodes.append(id, node);
    node.words[node.at + NodeWord.ref] = ref;
    node.words[node.at + NodeWord.length] = length;
    node.words[node.at + NodeWord.serial] = ++this.serials;
    const buffer = arena.bufferOf(ref);
    const base = arena.offsetOf(ref);
    copyBytes(buffer, base + HEADER_LENGTH, elements.buffer, 0, elements.length);
    buffer[base + length - 1] = END;
    writeListpackHeader(buffer, base, length, elements.count);
    if (nodes.size === 1) this.headSkip = 0;
  }

  /** Bytes for a new node behind the one that `node` is at: it will most likely be as large. */
  private roomForNew(): number {
    if (node.done || this.settings.nodeEntries === 1) return node.done ? LEAST_NODE : 0;
    return Math.min(node.words[node.at + NodeWord.length], this.settings.nodeBytes);
  }

  /** Appends a node that holds a copy of a listpack, which was checked. Returns the number of its live entries. */
  appendNode(master: StreamId, buffer: Buffer, from: number, length: number): number {
    const ref = this.arena.allocate(length);
    this.nodes.append(master, node);
    node.words[node.at + NodeWord.ref] = ref;
    node.words[node.at + NodeWord.length] = length;
    node.words[node.at + NodeWord.serial] = ++this.serials;
    const base = this.arena.offsetOf(ref);
    buffer.copy(this.arena.bufferOf(ref), base, from, from + length);
    return liveEntries(this.arena.bufferOf(ref), base);
  }

  /** True if there is an entry with that ID. */
  has(id: StreamId): boolean {
    return this.find(id, cursor);
  }

  /** Puts a cursor on the entry with that ID. False, and the cursor is anywhere, if there is none. */
  find(id: StreamId, into: StreamCursor): boolean {
    if (this.size === 0 || id.compare(this.lastId) > 0 || id.compare(this.firstId) < 0) return false;
    into.seek(this, id);
    return !into.done && into.id.equals(id);
  }

  /** The greatest ID among the entries; 0-0 if there is none. */
  readLastLiveId(into: StreamId): StreamId {
    cursor.seekLast(this);
    return cursor.done ? into.setLeast() : into.assign(cursor.id);
  }

  /** Deletes an entry. False if there is none with that ID. */
  delete(id: StreamId): boolean {
    if (!this.find(id, cursor)) return false;
    const live = liveEntries(cursor.buffer, cursor.base);
    if (live === 1) {
      this.dropNode(cursor.node);
    } else {
      this.beforeNodeChange(cursor.node);
      cursor.buffer[cursor.entryAt] |= EntryFlag.deleted;
      setCounts(this.arena, cursor.node, live - 1, deletedEntries(cursor.buffer, cursor.base) + 1);
    }
    this.size--;
    if (id.compare(this.maxDeletedId) > 0) this.maxDeletedId.assign(id);
    if (id.equals(this.firstId)) this.findFirst();
    return true;
  }

  /** Frees a node, whose entries do not count any more. The cursor goes on to the next one. For trimming. */
  dropNode(at: IdCursor): void {
    if (at.chunkNumber === 0 && at.row === this.nodes.chunks[0].start) this.headSkip = 0;
    this.beforeNodeChange(at);
    this.arena.release(at.words[at.at + NodeWord.ref]);
    this.nodes.remove(at);
  }

  /** Looks up the first entry, after the beginning has changed. */
  findFirst(): void {
    cursor.seekFirst(this);
    if (cursor.done) {
      this.firstId.setLeast();
      return;
    }
    this.firstId.assign(cursor.id);
    const inFirst = cursor.node.chunkNumber === 0 && cursor.node.row === this.nodes.chunks[0].start;
    if (inFirst) this.headSkip = cursor.entryAt - cursor.entriesAt;
  }

  /** Creates a consumer group. There must be none of that name. */
  createGroup(name: string, lastId: StreamId, entriesRead: number): ConsumerGroup {
    const group = new ConsumerGroup(name, this.arena);
    group.lastId.assign(lastId);
    group.entriesRead = entriesRead;
    this.groups.set(name, group);
    return group;
  }

  destroyGroup(group: ConsumerGroup): void {
    group.release();
    this.groups.delete(group.name);
  }

  /** The groups in the order of their names. */
  sortedGroups(): ConsumerGroup[] {
    return [...this.groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  copy(): Stream {
    const copy = new Stream(this.arena, this.settings);
    const master = new StreamId();
    const place = new IdCursor();
    for (place.first(this.nodes); !place.done; place.next()) {
      const ref = place.words[place.at + NodeWord.ref];
      const length = place.words[place.at + NodeWord.length];
      copy.appendNode(place.readId(master), this.arena.bufferOf(ref), this.arena.offsetOf(ref), length);
    }
    copy.size = this.size;
    copy.entriesAdded = this.entriesAdded;
    copy.lastId.assign(this.lastId);
    copy.firstId.assign(this.firstId);
    copy.maxDeletedId.assign(this.maxDeletedId);
    copy.headSkip = this.headSkip;
    for (const group of this.groups.values()) copy.groups.set(group.name, group.copy(this.arena));
    return copy;
  }

  freeSlice(budget: number): boolean {
    while (budget > 0 && !node.first(this.nodes).done) {
      const ref = node.words[node.at + NodeWord.ref];
      const live = liveEntries(this.arena.bufferOf(ref), this.arena.offsetOf(ref));
      this.dropNode(node);
      this.size -= live;
      budget -= live + 1;
    }
    if (this.nodes.size > 0) return false;
    this.size = 0;
    for (const group of this.groups.values()) group.release();
    this.groups.clear();
    this.nodes.clear();
    this.arena.indexBytes -= STREAM_OBJECT_BYTES;
    return true;
  }
}

/** Encodes an entry for the node that `node` is at. */
function encodeEntry(id: StreamId, args: Bytes[], from: number, to: number, same: boolean): void {
  const { words, at } = node;
  elements.addInteger(same ? EntryFlag.sameFields : 0);
  elements.addDifference(id.msHigh, id.msLow, words[at], words[at + 1]);
  elements.addDifference(id.seqHigh, id.seqLow, words[at + 2], words[at + 3]);
  if (same) {
    for (let i = from + 1; i < to; i += 2) elements.add(args[i]);
  } else {
    elements.addInteger((to - from) >> 1);
    for (let i = from; i < to; i++) elements.add(args[i]);
  }
  elements.addInteger(elements.count);
}

/** Encodes the entry that gave its node the ID and the fields. */
function encodeFirstEntry(args: Bytes[], from: number, to: number): void {
  const before = elements.count;
  elements.addInteger(EntryFlag.sameFields);
  elements.addInteger(0);
  elements.addInteger(0);
  for (let i = from + 1; i < to; i += 2) elements.add(args[i]);
  elements.addInteger(elements.count - before);
}
