import { createHash, type Hash } from 'node:crypto';
import { Bytes } from '../bytes/bytes.js';
import { formatDouble } from '../bytes/doubles.js';
import type { Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { HashValue } from '../keyspace/hash-value.js';
import { ListValue } from '../keyspace/list-value.js';
import { SetValue } from '../keyspace/set-value.js';
import { openForReading } from '../keyspace/sorted-sets.js';
import type { Ref } from '../memory/arena.js';
import { ListCursor } from '../values/list-cursor.js';

/** Bytes in a digest. */
const digestLength = 20;

const view = new Bytes(Buffer.alloc(0));
const second = new Bytes(Buffer.alloc(0));
const keyView = new Bytes(Buffer.alloc(0));
const hash = new HashValue();
const list = new ListValue();
const set = new SetValue();
const cursor = new ListCursor();

/**
 * A digest of what a server holds: equal for equal data, however it is encoded and in whatever order it came
 * to be. In hexadecimal, zeros for no data.
 */
export function digestOf(databases: readonly Database[]): string {
  const all = Buffer.alloc(digestLength);
  for (const [index, database] of databases.entries()) {
    database.keys.forEach((ref) => {
      const one = createHash('sha1').update(`${index} `);
      feed(one, database.keyOf(ref, keyView));
      exclusiveOr(all, one.update(valueDigest(database, ref)));
    });
  }
  return all.toString('hex');
}

/** A digest of the value of an entry, and of whether it will expire. */
export function valueDigest(database: Database, ref: Ref): Buffer {
  const type = database.typeOf(ref);
  const hasExpiry = database.expiry(ref) >= 0;
  const digest = createHash('sha1').update(`${type} ${hasExpiry ? 'expires' : ''} `);
  digesters[type]?.(digest, database, ref);
  return digest.digest();
}

/** Feeds the value of an entry to a hash, by type. */
const digesters: Partial<Record<ValueType, (digest: Hash, database: Database, ref: Ref) => void>> = {
  [ValueType.string]: (digest, database, ref) => feed(digest, database.payload(ref, view)),
  [ValueType.list]: (digest, database, ref) => {
    list.open(database, ref);
    list.seek(cursor, 0);
    for (let left = list.length; left > 0; left--) {
      cursor.read(view);
      feed(digest, view);
      cursor.next();
    }
  },
  [ValueType.set]: unordered((add, database, ref) => {
    set.open(database, ref);
    set.forEach((place) => {
      set.nameAt(place, view);
      add(view);
    });
  }),
  [ValueType.hash]: unordered((add, database, ref) => {
    hash.open(database, ref);
    hash.forEachLive((place) => {
      hash.nameAt(place, view);
      hash.valueAt(place, second);
      add(view, second);
    });
  }),
  [ValueType.sortedSet]: unordered((add, database, ref) => {
    const members = openForReading(database, ref);
    members.visitRanks(0, members.size, false, (member, score) => add(member, Bytes.of(formatDouble(score))));
  }),
};

/** For values whose elements have no order: each element, of one or two parts, has a digest of its own. */
function unordered(
  visit: (add: (first: Bytes, second?: Bytes) => void, database: Database, ref: Ref) => void,
): (digest: Hash, database: Database, ref: Ref) => void {
  return (digest, database, ref) => {
    const all = Buffer.alloc(digestLength);
    visit(
      (first, second) => {
        const one = createHash('sha1');
        feed(one, first);
        if (second !== undefined) feed(one, second);
        exclusiveOr(all, one);
      },
      database,
      ref,
    );
    digest.update(all);
  };
}

/** With the length first, so that where one part ends and the next begins counts. */
function feed(digest: Hash, part: Bytes): void {
  digest.update(`${part.length} `).update(part.subarray());
}

function exclusiveOr(all: Buffer, one: Hash): void {
  for (const [i, byte] of one.digest().entries()) all[i] ^= byte;
}
