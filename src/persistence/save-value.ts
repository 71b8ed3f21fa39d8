import { Bytes } from '../bytes/bytes.js';
import type { Database } from '../keyspace/database.js';
import { HashValue } from '../keyspace/hash-value.js';
import { hasExpiringFields, type Kind, kinds } from '../keyspace/kinds.js';
import { SetValue } from '../keyspace/set-value.js';
import type { Ref } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { HEADER_LENGTH, readElement } from '../memory/listpack-format.js';
import type { Quicklist } from '../values/quicklist.js';
import type { TreeSortedSet } from '../values/tree-sorted-set.js';
import { fieldExpiryVersion, ListNode, RdbType, setListpackVersion } from './rdb-types.js';
import type { RdbWriter } from './rdb-writer.js';
import { saveStream } from './stream-save.js';

const view = new Bytes();
const valueView = new Bytes();
const hash = new HashValue();
const set = new SetValue();

/**
 * The version of the format that an entry's value needs, if the given one would do otherwise: a hash whose fields
 * expire cannot be said before version 12.
 */
export function versionFor(database: Database, ref: Ref, version: number): number {
  return hasExpiringFields(database.kindOf(ref)) ? Math.max(version, fieldExpiryVersion) : version;
}

/**
 * Writes the form of an entry's value, which is a byte, the key if there is one, and the value. `version` is what
 * `versionFor` said. Throws Error for a kind of value that has no form.
 */
export function saveValue(
  writer: RdbWriter,
  database: Database,
  ref: Ref,
  version: number,
  key?: Bytes,
): void {
  const saver = savers.get(database.kindOf(ref));
  if (saver === undefined) throw new Error(`values of kind ${database.kindOf(ref)} cannot be saved`);
  saver(
    (type) => {
      writer.byte(type);
      if (key !== undefined) writer.string(key);
      return writer;
    },
    database,
    ref,
    version,
  );
}

/** `begin` writes the form and gives the writer for the value. */
type Saver = (begin: (type: number) => RdbWriter, database: Database, ref: Ref, version: number) => void;

const saveString: Saver = (begin, database, ref) => begin(RdbType.string).string(database.payload(ref, view));

/** How each kind is saved. */
const savers = new Map<Kind, Saver>([
  [kinds.string, saveString],
  [kinds.editedString, saveString],
  [kinds.textString, saveString],
  [kinds.copiedString, saveString],
  [kinds.listpackList, saveSmallList],
  [kinds.quicklist, saveQuicklist],
  [kinds.intset, (begin, database, ref) => savePayload(begin(RdbType.setIntset), database, ref)],
  [kinds.listpackSet, saveSet],
  [kinds.tableSet, saveSet],
  [
    kinds.listpackSortedSet,
    (begin, database, ref) => savePayload(begin(RdbType.sortedSetListpack), database, ref),
  ],
  [kinds.treeSortedSet, saveSortedSet],
  [kinds.listpackHash, (begin, database, ref) => savePayload(begin(RdbType.hashListpack), database, ref)],
  [kinds.restingListpackHash, saveHash],
  [kinds.tableHash, saveHash],
  [kinds.expiringListpackHash, saveExpiringListpack],
  [kinds.expiringTableHash, saveExpiringHash],
  [kinds.stream, saveStream],
]);

/** A packed value goes out as it lies in its entry. */
function savePayload(writer: RdbWriter, database: Database, ref: Ref): void {
  const { buffer, start, end } = database.payload(ref, view);
  writer.blob(buffer, start, end);
}

function saveSmallList(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const writer = begin(RdbType.listListpacks);
  writer.length(1);
  writer.length(ListNode.packed);
  savePayload(writer, database, ref);
}

function saveQuicklist(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const { arena } = database.keyspace;
  const writer = begin(RdbType.listListpacks);
  const { head, nodes } = database.collection<Quicklist>(ref);
  writer.length(nodes);
  for (let node = head; node !== undefined; node = node.next) {
    const buffer = arena.bufferOf(node.ref);
    const from = arena.offsetOf(node.ref) + node.start;
    writer.length(node.plain ? ListNode.plain : ListNode.packed);
    if (node.plain) {
      readElement(buffer, from + HEADER_LENGTH, view);
      writer.blob(view.buffer, view.start, view.end);
    } else writer.blob(buffer, from, from + node.length);
  }
}

function saveSet(begin: (type: number) => RdbWriter, database: Database, ref: Ref, version: number): void {
  if (database.kindOf(ref) === kinds.listpackSet && version >= setListpackVersion) {
    return savePayload(begin(RdbType.setListpack), database, ref);
  }
  const writer = begin(RdbType.set);
  set.open(database, ref);
  writer.length(set.size);
  set.forEach((place) => {
    set.nameAt(place, view);
    writer.string(view);
  });
}

function saveSortedSet(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const writer = begin(RdbType.sortedSet);
  const members = database.collection<TreeSortedSet>(ref);
  writer.length(members.size);
  // The greatest first, as Redis does: it makes loading into its structure quick.
  members.visitRanks(0, members.size, true, (member, score) => {
    writer.string(member);
    writer.double(score);
  });
}

function saveHash(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const writer = begin(RdbType.hash);
  hash.open(database, ref);
  writer.length(hash.size);
  hash.forEach((place) => {
    hash.nameAt(place, view);
    writer.string(view);
    hash.valueAt(place, valueView);
    writer.string(valueView);
  });
}

function saveExpiringListpack(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const writer = begin(RdbType.expiringHashListpack);
  writer.time(hash.open(database, ref).soonestExpiry);
  savePayload(writer, database, ref);
}

function saveExpiringHash(begin: (type: number) => RdbWriter, database: Database, ref: Ref): void {
  const writer = begin(RdbType.expiringHash);
  hash.open(database, ref);
  const earliest = hash.soonestExpiry;
  writer.time(earliest);
  writer.length(hash.size);
  hash.forEach((place) => {
    const when = hash.expiryAt(place);
    writer.length(when === NO_EXPIRY ? 0 : when - earliest + 1);
    hash.nameAt(place, view);
    writer.string(view);
    hash.valueAt(place, valueView);
    writer.string(valueView);
  });
}
