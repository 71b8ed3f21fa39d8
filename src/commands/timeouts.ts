import type { Bytes } from '../bytes/bytes.js';
import { parseLongDouble } from '../bytes/decimal.js';
import { parseDouble } from '../bytes/doubles.js';
import { CommandError, errors } from '../protocol/errors.js';
import { longArgument } from './arguments.js';
import type { Call } from './command.js';

/** Times in ms must fit 64 bits. */
const latest = 2 ** 63;

/**
 * When a blocking command gives up, in unix ms, from its timeout in seconds; 0 is never. Throws CommandError
 * for what is no time.
 */
export function deadlineArgument(call: Call, argument: Bytes): number {
  const seconds = secondsOf(argument);
  if (seconds === undefined) throw new CommandError(errors.timeoutNotFloat);
  const milliseconds = Math.ceil(seconds * 1000);
  if (milliseconds >= latest) throw new CommandError(errors.timeoutOutOfRange);
  return deadlineAfter(call, milliseconds);
}

/** Redis reads a long double: what is out of a double's range is a number all the same, endless or next to nothing. */
function secondsOf(argument: Bytes): number | undefined {
  const seconds = parseDouble(argument.buffer, argument.start, argument.end);
  if (seconds !== undefined) return seconds;
  const wide = parseLongDouble(argument);
  if (wide === undefined || typeof wide === 'string') return undefined;
  const magnitude = wide.exponent > 0 ? Number.MAX_VALUE : Number.MIN_VALUE;
  return wide.mantissa < 0n ? -magnitude : magnitude;
}

/** As `deadlineArgument`, from a timeout in ms. */
export function millisecondsDeadlineArgument(call: Call, argument: Bytes): number {
  return deadlineAfter(call, longArgument(argument, errors.timeoutNotInteger));
}

function deadlineAfter({ server }: Call, milliseconds: number): number {
  if (milliseconds < 0) throw new CommandError(errors.timeoutNegative);
  if (milliseconds === 0) return Number.POSITIVE_INFINITY;
  const deadline = server.clock.now() + milliseconds;
  if (deadline >= latest) throw new CommandError(errors.timeoutOutOfRange);
  return deadline;
}
