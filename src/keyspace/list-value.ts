import type { Bytes } from '../bytes/bytes.js';
import type { Ref } from '../memory/arena.js';
import { Listpack } from '../memory/listpack.js';
import {
  EMPTY_LISTPACK_LENGTH,
  EncodedElement,
  HEADER_LENGTH,
  writeEmptyListpack,
} from '../memory/listpack-format.js';
import { ListCursor } from '../values/list-cursor.js';
import { pushToListpack } from '../values/listpack-push.js';
import { Quicklist } from '../values/quicklist.js';
import { absent, type Database } from './database.js';
import { EntryPayload } from './entry-payload.js';
import { kinds } from './kinds.js';

/**
 * The list under a key, whichever way it is stored: a listpack in the entry while it is small, a quicklist
 * when it is big. One object serves many keys: `open` it at an entry, use it, forget it.
 *
 * Whoever adds elements calls `grow` first, with what will be added; whoever removes some calls `shrink`
 * last. Both change the representation at the limits that `list-max-listpack-size` sets. A list that became
 * empty is the caller's to remove.
 */
export class ListValue {
  /** Where the entry is now. */
  ref: Ref = absent;
  private database!: Database;
  private quicklist: Quicklist | undefined;
  private readonly payload = new EntryPayload();
  private readonly listpack = new Listpack(this.payload);

  /** Turns to the list of an entry. */
  open(database: Database, ref: Ref): this {
    this.database = database;
    this.ref = ref;
    if (database.kindOf(ref) === kinds.quicklist) {
      this.quicklist = database.collection<Quicklist>(ref);
    } else {
      this.quicklist = undefined;
      this.payload.point(database, ref);
    }
    return this;
  }

  /** Stores a new list that is still empty. Something must be pushed before anybody else sees it. */
  create(database: Database, key: Bytes): this {
    const ref = database.put(key, kinds.listpackList, EMPTY_LISTPACK_LENGTH);
    this.open(database, ref);
    writeEmptyListpack(this.payload.buffer, this.payload.offset);
    return this;
  }

  get length(): number {
    return this.quicklist === undefined ? this.listpack.count : this.quicklist.size;
  }

  /** Makes it a quicklist if with so many more bytes and elements it would be too big for one listpack. */
  grow(bytes: number, count: number): void {
    if (this.quicklist !== undefined) return;
    const { listSettings, arena } = this.database.keyspace;
    const { payload } = this;
    if (!listSettings.exceeded(payload.length + bytes, this.listpack.count + count)) return;
    const quicklist = new Quicklist(arena, listSettings);
    if (!this.listpack.isEmpty) quicklist.appendListpack(payload.buffer, payload.offset, payload.length);
    this.ref = this.database.unpack(this.ref, kinds.quicklist, quicklist);
    this.quicklist = quicklist;
  }

  /** Makes it a listpack again if it is a single node well below the limit. Must not be empty. */
  shrink(): void {
    const { shrunkBytes, shrunkCount } = this.database.keyspace.listSettings;
    this.pack(shrunkBytes, shrunkCount);
  }

  /** After a new list was filled: makes it a listpack if it turned out to fit into one. */
  settle(): void {
    const { bytes, count } = this.database.keyspace.listSettings;
    this.pack(bytes, count);
  }

  /** Makes a listpack of a quicklist that is one node of at most that size. */
  private pack(mostBytes: number, mostCount: number): void {
    const { quicklist } = this;
    if (quicklist === undefined || quicklist.nodes !== 1) return;
    const { plain, length, count } = quicklist.head!;
    if (plain || length > mostBytes || count > mostCount) return;
    const { arena } = this.database.keyspace;
    const node = quicklist.takeOnlyNode();
    this.open(this.database, this.database.pack(this.ref, kinds.listpackList, length));
    const from = arena.offsetOf(node.ref) + node.start;
    arena.bufferOf(node.ref).copy(this.payload.buffer, this.payload.offset, from, from + length);
    arena.release(node.ref);
  }

  /** Pushes arguments `from` to `to` (excluded), one after the other, at the beginning or the end. */
  pushAll(args: Bytes[], from: number, to: number, atStart: boolean): void {
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += args[i].end - args[i].start;
    this.grow(bytes, to - from);
    this.announceChange();
    const { quicklist } = this;
    if (quicklist === undefined) {
      pushToListpack(this.payload, args, from, to, atStart);
      this.ref = this.payload.ref;
      return;
    }
    if (atStart) for (let i = from; i < to; i++) quicklist.pushFirst(args[i]);
    else for (let i = from; i < to; i++) quicklist.pushLast(args[i]);
  }

  /** To be called before any change: a snapshot that is being written may need the list as it is. */
  private announceChange(): void {
    this.database.edit(this.ref, this.quicklist === undefined ? kinds.listpackList : kinds.quicklist);
  }

  /** Points `into` at the element at an end. Valid until the next change. */
  end(atStart: boolean, into: Bytes): void {
    const { quicklist, listpack } = this;
    if (quicklist === undefined) listpack.read(atStart ? HEADER_LENGTH : listpack.last(), into);
    else if (atStart) quicklist.first(into);
    else quicklist.last(into);
  }

  /** Removes the element at an end. */
  removeEnd(atStart: boolean): void {
    this.announceChange();
    const { quicklist, listpack } = this;
    if (quicklist === undefined) {
      listpack.delete(atStart ? HEADER_LENGTH : listpack.last());
      this.ref = this.payload.ref;
      return;
    }
    if (atStart) quicklist.removeFirst();
    else quicklist.removeLast();
  }

  /** Moves the element at one end, of which `element` is a copy, to the other end. */
  rotate(fromStart: boolean, element: Bytes): void {
    this.announceChange();
    const { quicklist, listpack } = this;
    if (quicklist !== undefined) {
      this.removeEnd(fromStart);
      if (fromStart) quicklist.pushLast(element);
      else quicklist.pushFirst(element);
    } else if (fromStart) listpack.move(HEADER_LENGTH, 1, listpack.end());
    else listpack.move(listpack.last(), 1, HEADER_LENGTH);
  }

  /** Puts the cursor on an element, negative indexes counting from the end; or nowhere. */
  seek(cursor: ListCursor, index: number): ListCursor {
    if (this.quicklist !== undefined) return this.quicklist.seek(cursor, index);
    const { buffer, offset } = this.payload;
    return cursor.enter(buffer, offset, this.listpack.seek(index));
  }

  /** Looks for an element from the cursor on; leaves the cursor there, or nowhere. */
  find(cursor: ListCursor, bytes: Bytes, forward = true): ListCursor {
    const wanted = searched.set(bytes);
    while (!cursor.done && !cursor.matches(wanted)) {
      if (forward) cursor.next();
      else cursor.previous();
    }
    return cursor;
  }

  insert(cursor: ListCursor, bytes: Bytes, before: boolean): void {
    this.announceChange();
    const { quicklist, listpack } = this;
    if (quicklist === undefined) {
      const at = cursor.position;
      listpack.insert(before ? at : listpack.next(at) || listpack.end(), bytes);
      this.ref = this.payload.ref;
      return;
    }
    if (before) quicklist.insertBefore(cursor, bytes);
    else quicklist.insertAfter(cursor, bytes);
  }

  replace(cursor: ListCursor, bytes: Bytes): void {
    this.announceChange();
    if (this.quicklist === undefined) {
      this.listpack.replace(cursor.position, bytes);
      this.ref = this.payload.ref;
      return;
    }
    this.quicklist.replace(cursor, bytes);
  }

  /**
   * Removes up to `limit` elements equal to `bytes`, going forward from the first or backward from the last.
   * Returns how many there were.
   */
  removeEqual(bytes: Bytes, limit: number, forward: boolean): number {
    let removed = 0;
    const cursor = this.seek(walk, forward ? 0 : -1);
    while (removed < limit && !this.find(cursor, bytes, forward).done) {
      this.remove(cursor, forward);
      removed++;
    }
    if (removed > 0) this.quicklist?.compact();
    return removed;
  }

  /** Removes the cursor's element; the cursor goes on in its direction. */
  private remove(cursor: ListCursor, forward: boolean): void {
    this.announceChange();
    const { quicklist, listpack, payload } = this;
    if (quicklist !== undefined) {
      quicklist.remove(cursor, forward);
      return;
    }
    const at = cursor.position;
    listpack.delete(at);
    this.ref = payload.ref;
    const next = forward ? (at === listpack.end() ? 0 : at) : listpack.previous(at);
    cursor.enter(payload.buffer, payload.offset, next);
  }

  /** Removes `count` elements from that index on. There must be as many. */
  removeRange(index: number, count: number): void {
    if (count <= 0) return;
    this.announceChange();
    const { quicklist, listpack } = this;
    if (quicklist === undefined) {
      listpack.delete(listpack.seek(index), count);
      this.ref = this.payload.ref;
      return;
    }
    quicklist.removeRange(index, count, walk);
  }
}

// No search or removal runs inside another one, so they can share these.
const searched = new EncodedElement();
const walk = new ListCursor();
