import type { Bytes } from '../bytes/bytes.js';
import { INT64_MAX, readSafeInteger } from '../bytes/integers.js';
import { CommandError, errors, invalidExpire } from '../protocol/errors.js';
import { ArgumentReader, int64Argument } from './arguments.js';
import type { Call } from './command.js';

export type ExpiryUnit = 'ex' | 'px' | 'exat' | 'pxat';

/** What the options of SET and GETEX say about the expiry; at most one of the choices. */
export interface ExpiryOption {
  choice: ExpiryUnit | 'keepttl' | 'persist' | undefined;
  time: Bytes | undefined;
}

export interface SetOptions extends ExpiryOption {
  condition: 'nx' | 'xx' | undefined;
  get: boolean;
}

const expiryUnits: readonly ExpiryUnit[] = ['ex', 'px', 'exat', 'pxat'];

/** Throws CommandError if two options exclude each other. The same one twice is allowed. */
function agree<T>(before: T | undefined, now: T): T {
  if (before !== undefined && before !== now) throw new CommandError(errors.syntax);
  return now;
}

function readExpiryOption(reader: ArgumentReader, option: ExpiryOption): void {
  const unit = expiryUnits.find((word) => reader.take(word));
  if (unit === undefined) throw new CommandError(errors.syntax);
  option.choice = agree(option.choice, unit);
  option.time = reader.next();
}

export function readSetOptions(call: Call): SetOptions {
  const reader = new ArgumentReader(call.args, call.argc, 3);
  const options: SetOptions = { condition: undefined, get: false, choice: undefined, time: undefined };
  while (!reader.done) {
    if (reader.take('nx')) options.condition = agree(options.condition, 'nx');
    else if (reader.take('xx')) options.condition = agree(options.condition, 'xx');
    else if (reader.take('get')) options.get = true;
    else if (reader.take('keepttl')) options.choice = agree(options.choice, 'keepttl');
    else readExpiryOption(reader, options);
  }
  return options;
}

export function readGetexOption(call: Call): ExpiryOption {
  const reader = new ArgumentReader(call.args, call.argc, 2);
  const option: ExpiryOption = { choice: undefined, time: undefined };
  while (!reader.done) {
    if (reader.take('persist')) option.choice = agree(option.choice, 'persist');
    else readExpiryOption(reader, option);
  }
  return option;
}

/** Below this no sum of times, in any unit, leaves what a number holds exactly. */
const smallTime = 8e12;

/**
 * When a key expires, in unix ms, or undefined if the option does not say. Throws CommandError for a time
 * that is not positive or does not fit 64 bits.
 */
export function expiryTime(call: Call, option: ExpiryOption): number | undefined {
  const { choice, time } = option;
  if (choice === undefined || time === undefined) return undefined;
  const { now } = call.database.keyspace;
  const scale = choice === 'ex' || choice === 'exat' ? 1000 : 1;
  const base = choice === 'ex' || choice === 'px' ? now : 0;
  const n = readSafeInteger(time.buffer, time.start, time.end);
  if (n > 0 && n < smallTime) return n * scale + base;
  const when = int64Argument(time) * BigInt(scale) + BigInt(base);
  if (n <= 0 || when <= base || when > INT64_MAX)
    throw new CommandError(invalidExpire(call.command.fullName));
  return Number(when);
}
