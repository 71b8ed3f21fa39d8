import type { Bytes } from '../bytes/bytes.js';
import { readInt64, readInt64AsNumber, readSafeInteger } from '../bytes/integers.js';
import { CommandError, errors } from '../protocol/errors.js';

/** An integer that JavaScript holds exactly. Throws CommandError(message) for anything else. */
export function integerArgument(argument: Bytes, message: string = errors.notInteger): number {
  const n = readSafeInteger(argument.buffer, argument.start, argument.end);
  if (Number.isNaN(n)) throw new CommandError(message);
  return n;
}

/**
 * A 64-bit integer as the nearest number: exact up to 2^53, rounded beyond. For counts, offsets and times,
 * where values beyond 2^53 only need to be recognised as too large.
 */
export function longArgument(argument: Bytes, message: string = errors.notInteger): number {
  const n = readInt64AsNumber(argument.buffer, argument.start, argument.end);
  if (Number.isNaN(n)) throw new CommandError(message);
  return n;
}

/** As `longArgument`, and at least `least`. Throws CommandError(message) for anything else. */
export function countArgument(argument: Bytes, least: 0 | 1, message: string): number {
  const n = longArgument(argument, message);
  if (n < least) throw new CommandError(message);
  return n;
}

/** An integer of 32 bits. Throws CommandError, with another text for one that is larger. */
export function int32Argument(argument: Bytes): number {
  const n = longArgument(argument);
  if (n === (n | 0)) return n;
  throw new CommandError('ERR value is out of range, value must between -2147483648 and 2147483647');
}

/** A 64-bit integer, exactly. */
export function int64Argument(argument: Bytes, message: string = errors.notInteger): bigint {
  const n = readInt64(argument.buffer, argument.start, argument.end);
  if (n === undefined) throw new CommandError(message);
  return n;
}

/**
 * Walks over the arguments of a call, for commands with options. Positions count from the command's name, 0.
 */
export class ArgumentReader {
  constructor(
    private readonly args: Bytes[],
    private readonly argc: number,
    public position: number,
  ) {}

  get done(): boolean {
    return this.position >= this.argc;
  }

  /** Arguments not yet read. */
  get left(): number {
    return this.argc - this.position;
  }

  /** The next argument. Throws CommandError (syntax error) if there is none. */
  next(): Bytes {
    if (this.position >= this.argc) throw new CommandError(errors.syntax);
    return this.args[this.position++];
  }

  /** Consumes the next argument if it is `word` (lower case ASCII) in any case. */
  take(word: string): boolean {
    if (this.position >= this.argc || !this.args[this.position].is(word)) return false;
    this.position++;
    return true;
  }

  integer(message?: string): number {
    return integerArgument(this.next(), message);
  }

  long(message?: string): number {
    return longArgument(this.next(), message);
  }
}
