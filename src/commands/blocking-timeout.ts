import type { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Call } from './command.js';

const INT64_LIMIT = 2 ** 63;

/**
 * When a blocking command gives up, in unix ms, from a timeout in seconds, of which 0 means never. Throws CommandError.
 */
export function timeoutArgument({ server }: Call, { buffer, start, end }: Bytes): number {
  const seconds = parseDouble(buffer, start, end);
  if (seconds === undefined) throw new CommandError(errors.timeoutNotFloat);
  const milliseconds = Math.ceil(seconds * 1000);
  if (milliseconds >= INT64_LIMIT) throw new CommandError('ERR timeout is out of range');
  if (milliseconds < 0) throw new CommandError(errors.timeoutNegative);
  if (milliseconds === 0) return Number.POSITIVE_INFINITY;
  const deadline = server.clock.now() + milliseconds;
  if (deadline >= INT64_LIMIT) throw new CommandError('ERR timeout is out of range');
  return deadline;
}
