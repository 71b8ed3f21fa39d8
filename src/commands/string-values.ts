import type { Bytes } from '../bytes/bytes.js';
import { absent, type Database } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { kinds } from '../keyspace/kinds.js';
import type { Ref } from '../memory/arena.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Call } from './command.js';

/** What the commands on strings and those on bits do alike. */

/**
 * Throws CommandError if the entry holds something else than a string; an absent one may become a string.
 * Hot.
 */
export function requireString(database: Database, ref: Ref): void {
  if (ref !== absent && database.typeOf(ref) !== ValueType.string) throw new CommandError(errors.wrongType);
}

/** The entry of a string that is to be read, or `absent`. Throws CommandError for another type. Hot. */
export function readString(call: Call, key: Bytes): Ref {
  const ref = call.database.read(key);
  requireString(call.database, ref);
  return ref;
}

/** The entry of a string that is to be changed, or `absent`. Throws CommandError for another type. Hot. */
export function writeString(call: Call, key: Bytes): Ref {
  const ref = call.database.write(key);
  requireString(call.database, ref);
  return ref;
}

/** Throws CommandError if a string of this length must not come to be. */
export function checkStringLength(call: Call, length: number): void {
  if (!mayBeAsLong(call, length)) throw new CommandError(errors.stringTooLong);
}

/** False if a string of this length must not come to be. What is repeated was allowed by the limit of that time. */
export function mayBeAsLong({ server, client }: Call, length: number): boolean {
  return length <= server.config.values['proto-max-bulk-len'] || client.repeats;
}

/**
 * Makes a string at least `length` bytes long, with zeros where it had none, and ready to be edited in place;
 * creates it if `ref` is absent. Returns where it is now.
 */
export function stretchString(database: Database, key: Bytes, ref: Ref, length: number): Ref {
  const old = ref === absent ? 0 : database.payloadLength(ref);
  if (ref === absent) {
    ref = database.put(key, kinds.editedString, length);
  } else {
    if (length > old) ref = database.resize(ref, length);
    database.edit(ref, kinds.editedString);
  }
  if (length > old) {
    const { buffer, start, end } = database.payload(ref);
    buffer.fill(0, start + old, end);
  }
  return ref;
}
