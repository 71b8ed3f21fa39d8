import type { Bytes } from '../bytes/bytes.js';
import { INT64_MAX, readInt64 } from '../bytes/integers.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';

/**
 * How many random elements are wanted, from -(2^63 - 1) on; negative: with repetitions. Rounded beyond 2^53.
 * Throws CommandError.
 */
export function pickCountArgument(argument: Bytes): number {
  const count = readInt64(argument.buffer, argument.start, argument.end);
  if (count === undefined) throw new CommandError(errors.notInteger);
  if (count < -INT64_MAX) {
    throw new CommandError(`ERR value is out of range, value must between -${INT64_MAX} and ${INT64_MAX}`);
  }
  return Number(count);
}

/** Elements that are picked between two looks at the state of the reply. */
const pickSlice = 1000;

/**
 * Has `count` elements picked in slices, for there is no end to what a client can ask for, but there is one to what its
 * output may take.
 */
export function pickInSlices(reply: ReplyWriter, count: number, pick: (count: number) => void): void {
  for (let left = count; left > 0 && !reply.overflowed; left -= pickSlice) pick(Math.min(left, pickSlice));
}

/**
 * Throws CommandError if twice as many replies, of an element and what belongs to it, could not be counted.
 */
export function checkPairCount(argument: Bytes): void {
  const count = readInt64(argument.buffer, argument.start, argument.end)!;
  if (count > INT64_MAX / 2n || count < -INT64_MAX / 2n) throw new CommandError('ERR value is out of range');
}
