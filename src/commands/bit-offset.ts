import type { Bytes } from '../bytes/bytes.js';
import { readSafeInteger } from '../bytes/integers.js';
import { CommandError } from '../protocol/errors.js';
import type { Call } from './command.js';
import { mayBeAsLong } from './string-values.js';

const hash = 0x23;

/**
 * Position of a bit in a string. With `width`, `#3` is three times that. Throws CommandError unless a string
 * may be as long.
 */
export function bitOffsetArgument(call: Call, argument: Bytes, width?: number): number {
  const { buffer, start, end } = argument;
  const counted = width !== undefined && end > start && buffer[start] === hash;
  const n = readSafeInteger(buffer, counted ? start + 1 : start, end);
  const offset = counted ? n * width : n;
  if (offset >= 0 && mayBeAsLong(call, Math.floor(offset / 8) + 1)) return offset;
  throw new CommandError('ERR bit offset is not an integer or out of range');
}
