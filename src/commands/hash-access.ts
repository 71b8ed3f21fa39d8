import { Bytes } from '../bytes/bytes.js';
import { absent } from '../keyspace/database.js';
import { ValueType } from '../keyspace/events.js';
import { HashValue } from '../keyspace/hash-value.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Call } from './command.js';

/** What the commands on hashes do alike. */

// One hash at a time is worked on, so these serve all commands and nothing is allocated.
export const hash = new HashValue();
export const view = new Bytes();

/** The hash under the command's key, or undefined. Throws CommandError for another type. Hot. */
export function hashToRead({ database, args }: Call): HashValue | undefined {
  const ref = database.read(args[1]);
  if (ref === absent) return undefined;
  if (database.typeOf(ref) !== ValueType.hash) throw new CommandError(errors.wrongType);
  return hash.open(database, ref);
}

/** The same for a command that changes it. */
export function existingHash({ database, args }: Call): HashValue | undefined {
  const ref = database.write(args[1]);
  if (ref === absent) return undefined;
  if (database.typeOf(ref) !== ValueType.hash) throw new CommandError(errors.wrongType);
  hash.open(database, ref).announceChange();
  return hash;
}

/** The same, created if it is missing: the caller must put something in it. Hot. */
export function hashToChange(call: Call): HashValue {
  return existingHash(call) ?? hash.create(call.database, call.args[1]);
}

/** The value of a field, or null. Hot. */
export function writeValueOf({ reply }: Call, found: HashValue, field: Bytes): void {
  const place = found.findLive(field);
  if (place === 0) return reply.null();
  found.valueAt(place, view);
  reply.bytes(view);
}
