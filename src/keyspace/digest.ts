import { createHash } from 'node:crypto';
import { Bytes } from '../bytes/bytes.js';
import { formatDouble17 } from '../bytes/doubles.js';
import type { Ref } from '../memory/arena.js';
import { NO_EXPIRY } from '../memory/entry.js';
import { ListCursor } from '../values/list-cursor.js';
import type { Stream } from '../values/stream.js';
import { StreamCursor } from '../values/stream-cursor.js';
import type { Database } from './database.js';
import { ValueType } from './events.js';
import { HashValue } from './hash-value.js';
import type { Keyspace } from './keyspace.js';
import { ListValue } from './list-value.js';
import { SetValue } from './set-value.js';
import { openForReading } from './sorted-sets.js';

const digestBytes = 20;

/**
 * A digest that depends on the data alone, not on encodings or on the order of what has none, equal to that of a Redis
 * with the same data. It is 20 bytes to which things are added in two ways: `join` ignores the order (exclusive or with
 * the SHA-1 of the bytes), `mix` does not (the SHA-1 of the result takes its place).
 */
class Digest {
  private bytes: Buffer = Buffer.alloc(digestBytes);

  join(bytes: Buffer): this {
    const added = sha1(bytes);
    for (let i = 0; i < digestBytes; i++) this.bytes[i] ^= added[i];
    return this;
  }

  mix(bytes: Buffer): this {
    this.join(bytes);
    this.bytes = sha1(this.bytes);
    return this;
  }

  /** Adds the digest of an element of something without order. */
  joinDigest(other: Digest): this {
    return this.join(other.bytes);
  }

  hex(): string {
    return this.bytes.toString('hex');
  }
}

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest();
}

/** Numbers are added as 4 bytes, the highest first. */
function number(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

const expires = Buffer.from('!!expire!!');
const fieldExpires = Buffer.from('!!hexpire!!');

/** The digest of all keys of all databases, 40 hexadecimal digits; zeros if there are none. */
export function digestOf({ databases }: Keyspace): string {
  const all = new Digest();
  for (const database of databases) {
    if (database.size === 0) continue;
    all.mix(number(database.index));
    database.keys.forEach((ref) => {
      const digest = new Digest().mix(database.keyOf(ref).subarray());
      all.joinDigest(addEntry(digest, database, ref));
    });
  }
  return all.hex();
}

/** The digest of one key's value and of whether it expires, without the key itself; zeros for `absent`. */
export function digestOfValue(database: Database, ref: Ref): string {
  const digest = new Digest();
  return (ref === 0 ? digest : addEntry(digest, database, ref)).hex();
}

/** Redis's numbers of types are those of `ValueType`, but for streams. */
const streamNumber = 6;

function addEntry(digest: Digest, database: Database, ref: Ref): Digest {
  const type = database.typeOf(ref);
  digest.mix(number(type === ValueType.stream ? streamNumber : type));
  addValue[type](digest, database, ref);
  if (database.expiry(ref) >= 0) digest.join(expires);
  return digest;
}

const view = new Bytes();

/** How a value of each type is added. */
const addValue: Record<ValueType, (digest: Digest, database: Database, ref: Ref) => void> = {
  [ValueType.string]: (digest, database, ref) => {
    digest.mix(database.payload(ref).subarray());
  },
  [ValueType.list]: (digest, database, ref) => {
    const cursor = new ListCursor();
    for (new ListValue().open(database, ref).seek(cursor, 0); !cursor.done; cursor.next()) {
      cursor.read(view);
      digest.mix(view.subarray());
    }
  },
  [ValueType.set]: (digest, database, ref) => {
    const set = new SetValue().open(database, ref);
    set.forEach((place) => {
      set.nameAt(place, view);
      digest.join(view.subarray());
    });
  },
  [ValueType.sortedSet]: (digest, database, ref) => {
    const set = openForReading(database, ref);
    set.visitRanks(0, set.size, false, (member, score) => {
      const pair = new Digest().mix(member.subarray()).mix(Buffer.from(formatDouble17(score)));
      digest.joinDigest(pair);
    });
  },
  [ValueType.hash]: (digest, database, ref) => {
    const hash = new HashValue().open(database, ref);
    hash.forEachLive((place) => {
      hash.nameAt(place, view);
      const pair = new Digest().mix(view.subarray());
      hash.valueAt(place, view);
      pair.mix(view.subarray());
      if (hash.expiryAt(place) !== NO_EXPIRY) pair.join(fieldExpires);
      digest.joinDigest(pair);
    });
  },
  [ValueType.stream]: (digest, database, ref) => {
    const cursor = new StreamCursor();
    const value = new Bytes();
    for (cursor.seekFirst(database.collection<Stream>(ref)); !cursor.done; cursor.next()) {
      digest.mix(Buffer.from(cursor.id.toString().replace('-', '.')));
      for (let left = cursor.fields; left > 0; left--) {
        cursor.readPair(view, value);
        digest.mix(view.subarray()).mix(value.subarray());
      }
    }
  },
};
