import type { Ref } from '../memory/arena.js';
import type { Collection } from '../values/collection.js';
import type { Database } from './database.js';
import { ValueType } from './events.js';
import { HashValue } from './hash-value.js';
import { isHandle } from './kinds.js';
import { ListValue } from './list-value.js';
import { SetValue } from './set-value.js';
import { openForReading } from './sorted-sets.js';

const list = new ListValue();
const set = new SetValue();
const hash = new HashValue();

/** Items, members or fields of an entry's value, whatever its encoding; 1 for a string. */
export function elementCount(database: Database, ref: Ref): number {
  if (isHandle(database.kindOf(ref))) return database.collection<Collection>(ref).size;
  switch (database.typeOf(ref)) {
    case ValueType.list:
      return list.open(database, ref).length;
    case ValueType.set:
      return set.open(database, ref).size;
    case ValueType.hash:
      return hash.open(database, ref).size;
    case ValueType.sortedSet:
      return openForReading(database, ref).size;
    default:
      return 1;
  }
}
