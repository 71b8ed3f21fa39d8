import { INT64_MIN } from '../bytes/integers.js';
import { CommandError, errors } from '../protocol/errors.js';
import { type ArgumentReader, countArgument, int64Argument } from './arguments.js';

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
    else if (reader.take('count'))
      options.count = countArgument(reader.next(), 0, "ERR COUNT can't be negative");
    else if (reader.take('maxlen'))
      options.maxLength = countArgument(reader.next(), 0, "ERR MAXLEN can't be negative");
    else throw new CommandError(errors.syntax);
  }
  return options;
}

function rankArgument(reader: ArgumentReader): number {
  const rank = int64Argument(reader.next());
  if (rank === INT64_MIN) {
    throw new CommandError(
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  }
  if (rank === 0n) throw new CommandError(rankZero);
  return Number(rank);
}
