import { Bytes } from '../bytes/bytes.js';
import { MAX_INTEGER_LENGTH, readSafeInteger, writeInteger } from '../bytes/integers.js';
import type { Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { ListValue } from '../keyspace/list-value.js';
import { SetValue } from '../keyspace/set-value.js';
import type { Ref } from '../memory/arena.js';
import { ListCursor } from '../values/list-cursor.js';

/*
 * SORT of elements that are all integers, the most common use: a number is all there is to know of such an element,
 * so neither copies of their texts nor their order among equals are needed. The engine sorts plain numbers by itself,
 * as fast the first time as later, before it has compiled anything of ours.
 */

const list = new ListValue();
const set = new SetValue();
const cursor = new ListCursor();
const view = new Bytes();
const text = new Bytes(Buffer.alloc(MAX_INTEGER_LENGTH));

/** The elements of a list or a set in no particular order, if all are safe integers in their one spelling. */
export function integersOf(database: Database, ref: Ref): Float64Array | undefined {
  const type = database.typeOf(ref);
  if (type === ValueType.list) return itemsOf(list.open(database, ref));
  return type === ValueType.set ? membersOf(set.open(database, ref)) : undefined;
}

function itemsOf(items: ListValue): Float64Array | undefined {
  const numbers = new Float64Array(items.length);
  let count = 0;
  for (items.seek(cursor, 0); !cursor.done; cursor.next()) {
    const n = cursor.readInteger();
    if (Number.isNaN(n)) return undefined;
    numbers[count++] = n;
  }
  return numbers;
}

function membersOf(members: SetValue): Float64Array | undefined {
  const numbers = new Float64Array(members.size);
  let count = 0;
  let allIntegers = true;
  members.forEach((place) => {
    if (!allIntegers) return;
    members.nameAt(place, view);
    const n = readSafeInteger(view.buffer, view.start, view.end);
    if (Number.isNaN(n)) allIntegers = false;
    else numbers[count++] = n;
  });
  return allIntegers ? numbers : undefined;
}

/** Sorts in place, and returns those from one place to another, not included. */
export function sortIntegers(
  numbers: Float64Array,
  descending: boolean,
  start: number,
  end: number,
): Float64Array {
  numbers.sort();
  if (descending) numbers.reverse();
  return numbers.subarray(start, end);
}

/** The number as a view of its text, which the next one overwrites. */
export function integerBytes(n: number): Bytes {
  text.end = writeInteger(text.buffer, 0, n);
  return text;
}
