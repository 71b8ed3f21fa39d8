import { Bytes, copyBytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { HashValue } from '../keyspace/hash-value.js';

const star = 0x2a;
const arrow = Buffer.from('->');
const hash = new HashValue();

/**
 * A pattern of SORT's BY and GET: `weight_*` names the string of a key, `user:*->name` the field of a hash,
 * where `*` stands for the element. `#` is the element itself.
 */
export class KeyPattern {
  private readonly isElement: boolean;
  private readonly prefix: Buffer;
  private readonly suffix: Buffer;
  private readonly field: Bytes | undefined;
  private readonly hasStar: boolean;
  private readonly key = new Bytes(Buffer.alloc(64));

  constructor(pattern: Bytes) {
    const text = Buffer.from(pattern.subarray());
    const at = text.indexOf(star);
    const found = text.indexOf(arrow, at + 1);
    const fieldAt = at >= 0 && found >= 0 && found + 2 < text.length ? found : text.length;
    this.isElement = pattern.is('#');
    this.hasStar = at >= 0;
    this.prefix = text.subarray(0, at);
    this.suffix = text.subarray(at + 1, fieldAt);
    this.field = fieldAt < text.length ? new Bytes(text, fieldAt + 2) : undefined;
  }

  /**
   * Points `into` at what the pattern means for an element; false if there is no such value. Valid until the
   * next change.
   */
  read(database: Database, element: Bytes, into: Bytes): boolean {
    if (this.isElement) return point(into, element);
    if (!this.hasStar) return false;
    const ref = database.read(this.keyFor(element));
    if (ref === absent) return false;
    const type = database.typeOf(ref);
    if (this.field !== undefined) {
      if (type !== ValueType.hash) return false;
      const place = hash.open(database, ref).findLive(this.field);
      if (place !== 0) hash.valueAt(place, into);
      hash.announceExpired(this.key);
      return place !== 0;
    }
    if (type !== ValueType.string) return false;
    database.payload(ref, into);
    return true;
  }

  private keyFor(element: Bytes): Bytes {
    const { key, prefix, suffix } = this;
    const elementEnd = prefix.length + element.length;
    const length = elementEnd + suffix.length;
    if (length > key.buffer.length) key.buffer = Buffer.alloc(length * 2);
    copyBytes(key.buffer, 0, prefix, 0, prefix.length);
    copyBytes(key.buffer, prefix.length, element.buffer, element.start, element.end);
    copyBytes(key.buffer, elementEnd, suffix, 0, suffix.length);
    key.end = length;
    return key;
  }
}

function point(into: Bytes, to: Bytes): true {
  into.buffer = to.buffer;
  into.start = to.start;
  into.end = to.end;
  return true;
}
