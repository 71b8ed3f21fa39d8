import { Bytes } from '../bytes/bytes.js';
import { redisVersion } from '../config/redis-version.js';
import type { Database } from '../keyspace/database.js';
import { type Kind, kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import type { CollectionImage } from '../values/collection.js';
import { StreamImage } from '../values/stream-image.js';
import { fieldExpiryVersion, ListNode, Opcode, RdbType, rdbSignature } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';
import { saveValue } from './save-value.js';
import type { CollectionForms, CollectionWriter, SnapshotFormat } from './snapshot-format.js';
import { StreamSaver } from './stream-save.js';

/** Which access data of a key is saved: none, for how long it was idle, how often it is used. */
export type SavedAccess = 'none' | 'idle' | 'frequency';

export interface RdbFormatOptions {
  version: number;
  /** Unix time in s of the snapshot. */
  created: number;
  usedMemory: number;
  access: SavedAccess;
  /** The file is the base of an append-only file. */
  aofBase: boolean;
  /** Further fields, as `repl-stream-db`, `repl-id`, `repl-offset`. */
  fields?: readonly (readonly [name: string, value: string])[];
  /** Sources of the libraries of functions. */
  libraries?: readonly Bytes[];
}

const keyView = new Bytes();

/** The RDB format of a whole data set. Its checksum is the affair of the one who writes the file. */
export class RdbFormat implements SnapshotFormat {
  /** The version that is written: hashes with expiring fields need a newer one than was asked for. */
  readonly version: number;

  constructor(
    private readonly options: RdbFormatOptions,
    databases: readonly Database[],
  ) {
    const fieldsExpire = databases.some(({ fieldExpires }) => fieldExpires.size > 0);
    this.version = fieldsExpire ? Math.max(options.version, fieldExpiryVersion) : options.version;
  }

  begin(out: RdbWriter): void {
    const { created, usedMemory, aofBase, fields = [], libraries = [] } = this.options;
    out.latin1(`${rdbSignature}${String(this.version).padStart(4, '0')}`);
    aux(out, 'redis-ver', redisVersion);
    aux(out, 'redis-bits', '64');
    aux(out, 'ctime', String(created));
    aux(out, 'used-mem', String(usedMemory));
    for (const [name, value] of fields) aux(out, name, value);
    aux(out, 'aof-base', aofBase ? '1' : '0');
    for (const library of libraries) {
      out.byte(Opcode.function2);
      out.string(library);
    }
  }

  selectDatabase(out: RdbWriter, index: number): void {
    out.byte(Opcode.selectDatabase);
    out.length(index);
  }

  announceDatabase(out: RdbWriter, keys: number, expiring: number): void {
    out.byte(Opcode.resizeDatabase);
    out.length(keys);
    out.length(expiring);
  }

  entry(out: RdbWriter, database: Database, ref: Ref): void {
    this.attributes(out, database, ref);
    saveValue(out, database, ref, this.version, database.keyOf(ref, keyView));
  }

  private attributes(out: RdbWriter, database: Database, ref: Ref): void {
    const expiry = database.expiry(ref);
    if (expiry >= 0) {
      out.byte(Opcode.expiryMs);
      out.time(expiry);
    }
    const { access } = this.options;
    if (access === 'idle') {
      out.byte(Opcode.idle);
      out.length(database.idleSeconds(ref));
    } else if (access === 'frequency') {
      out.byte(Opcode.frequency);
      out.byte(database.accessFrequency(ref));
    }
  }

  collection(database: Database, ref: Ref, image: CollectionImage): CollectionWriter | undefined {
    if (image instanceof StreamImage) return this.stream(database, ref, new StreamSaver(image, this.version));
    const form = forms.get(database.kindOf(ref));
    if (form === undefined) return undefined;
    const head = this.head(database, ref, form.type);
    if (form.expiring) head.time(image.soonestExpiry);
    head.length(image.count);
    const earliest = image.soonestExpiry;
    return {
      begin: (out) => out.raw(head.bytes),
      element: (out, name, value, number) => form.element(out, name, value, number, earliest),
      end() {},
    };
  }

  private stream(database: Database, ref: Ref, saver: StreamSaver): CollectionWriter {
    const head = this.head(database, ref, saver.type);
    return {
      begin: (out) => {
        out.raw(head.bytes);
        saver.begin(out);
      },
      element: (out, name, value, part) => saver.element(out, name, value, part),
      end: () => saver.end(),
    };
  }

  /** What comes before a value. */
  private head(database: Database, ref: Ref, type: number): RdbWriter {
    const head = new RdbWriter(false);
    this.attributes(head, database, ref);
    head.byte(type);
    head.string(database.keyOf(ref, keyView));
    return head;
  }

  end(out: RdbWriter): void {
    out.byte(Opcode.end);
  }
}

function aux(out: RdbWriter, name: string, value: string): void {
  out.byte(Opcode.auxiliary);
  out.text(name);
  out.text(value);
}

interface RdbForm {
  type: number;
  expiring?: boolean;
  element(out: RdbWriter, name: Bytes, value: Bytes, number: number, earliest: number): void;
}

const hashElement: RdbForm['element'] = (out, field, value) => {
  out.string(field);
  out.string(value);
};

/** How each kind of collection is written. A kind that is missing here is written as a whole. */
const forms: CollectionForms<RdbForm> = new Map<Kind, RdbForm>([
  [kinds.tableHash, { type: RdbType.hash, element: hashElement }],
  [
    kinds.expiringTableHash,
    {
      type: RdbType.expiringHash,
      expiring: true,
      element(out, field, value, when, earliest) {
        out.length(when === NO_EXPIRY ? 0 : when - earliest + 1);
        hashElement(out, field, value, when, earliest);
      },
    },
  ],
  [kinds.tableSet, { type: RdbType.set, element: (out, member) => out.string(member) }],
  [
    kinds.treeSortedSet,
    {
      type: RdbType.sortedSet,
      element(out, member, _, score) {
        out.string(member);
        out.double(score);
      },
    },
  ],
  [
    kinds.quicklist,
    {
      type: RdbType.listListpacks,
      element(out, node, _, plain) {
        out.length(plain === 1 ? ListNode.plain : ListNode.packed);
        out.blob(node.buffer, node.start, node.end);
      },
    },
  ],
]);
