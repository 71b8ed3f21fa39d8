import { Bytes } from '../bytes/bytes.js';
import { CommandError } from '../protocol/errors.js';
import { parseId, StreamId } from '../values/stream-id.js';

export const invalidId = 'ERR Invalid stream ID specified as stream command argument';

/** Reads `ms-seq` or `ms`, whose sequence number is 0 then. Throws CommandError for anything else. */
export function idArgument(argument: Bytes, into: StreamId): StreamId {
  const form = parseId(argument, into);
  if (form === undefined || form === 'star') throw new CommandError(invalidId);
  return into;
}

/** True if the argument is an ID. */
export function isId(argument: Bytes, into: StreamId): boolean {
  const form = parseId(argument, into);
  return form !== undefined && form !== 'star';
}

/** As `idArgument`, and `-` and `+` are the least and the greatest ID. */
export function looseIdArgument(argument: Bytes, into: StreamId, missingIsGreatest = false): StreamId {
  if (argument.is('-')) return into.setLeast();
  if (argument.is('+')) return into.setGreatest();
  return boundary(argument, into, missingIsGreatest);
}

function boundary(argument: Bytes, into: StreamId, missingIsGreatest: boolean): StreamId {
  const form = parseId(argument, into);
  if (form === undefined || form === 'star') throw new CommandError(invalidId);
  if (form === 'missing') into.setSequence(missingIsGreatest);
  return into;
}

/** Reads the beginning of an interval: `-`, `+`, an ID, or one after a bracket, which is not part of it. */
export function startIdArgument(argument: Bytes, into: StreamId): StreamId {
  if (!isExclusive(argument)) return looseIdArgument(argument, into);
  boundary(withoutParenthesis(argument), into, false);
  if (!into.increment()) throw new CommandError('ERR invalid start ID for the interval');
  return into;
}

/** As `startIdArgument`, for the end of an interval. */
export function endIdArgument(argument: Bytes, into: StreamId): StreamId {
  if (!isExclusive(argument)) return looseIdArgument(argument, into, true);
  boundary(withoutParenthesis(argument), into, true);
  if (!into.decrement()) throw new CommandError('ERR invalid end ID for the interval');
  return into;
}

/** In front of an ID that is not part of the interval itself. */
const openParenthesis = 0x28;

function isExclusive({ buffer, start, end }: Bytes): boolean {
  return end - start > 1 && buffer[start] === openParenthesis;
}

function withoutParenthesis({ buffer, start, end }: Bytes): Bytes {
  return new Bytes(buffer, start + 1, end);
}

/** The first ones of these serve every command; many at once get IDs of their own. */
const shared = Array.from({ length: 64 }, () => new StreamId());

/**
 * Reads the arguments [from, to), all of them before anything is done with the first. The IDs are overwritten by the
 * next call, and `ids.length` may be more than there are.
 */
export function idArguments(args: Bytes[], from: number, to: number): readonly StreamId[] {
  const ids = to - from <= shared.length ? shared : Array.from({ length: to - from }, () => new StreamId());
  for (let i = from; i < to; i++) idArgument(args[i], ids[i - from]);
  return ids;
}
