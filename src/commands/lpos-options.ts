import { CommandError, errors } from '../protocol/errors.js';
import { type ArgumentReader, int64Argument, longArgument } from './arguments.js';

const int64Min = -(2n ** 63n);
const rankZero =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
  'or use negative to start from the end of the list';

export interface LposOptions {
  /** Which match is the first that counts; negative ones are counted from the end. */
  rank: number;
  /** How many matches are wanted, 0 for all; undefined if only one is and the reply is no array. */
  count: number | undefined;
  /** How many elements are looked at, 0 for all. */
  maxLength: number;
}

/** `[RANK rank] [COUNT num-matches] [MAXLEN len]` */
export function readLposOptions(reader: ArgumentReader): LposOptions {
  const options: LposOptions = { rank: 1, count: undefined, maxLength: 0 };
  while (!reader.done) {
    if (reader.left < 2) throw new CommandError(errors.syntax);
    if (reader.take('rank')) options.rank = rankArgument(reader);
    else if (reader.take('count')) options.count = atLeastZero(reader, 'COUNT');
    else if (reader.take('maxlen')) options.maxLength = atLeastZero(reader, 'MAXLEN');
    else throw new CommandError(errors.syntax);
  }
  return options;
}

function rankArgument(reader: ArgumentReader): number {
  const rank = int64Argument(reader.next());
  if (rank === int64Min) {
    throw new CommandError(
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  }
  if (rank === 0n) throw new CommandError(rankZero);
  return Number(rank);
}

function atLeastZero(reader: ArgumentReader, name: string): number {
  const message = `ERR ${name} can't be negative`;
  const n = longArgument(reader.next(), message);
  if (n < 0) throw new CommandError(message);
  return n;
}
