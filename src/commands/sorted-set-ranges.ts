import { type Bytes, compareBytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { floatSyntax } from '../bytes/float-syntax.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { SortedSet } from '../values/sorted-set.js';
import { longArgument } from './arguments.js';

/**
 * Ranges of a sorted set: by rank, by score or by member. Whatever it was asked by, a range is an interval of
 * ranks in the end: `from` up to, not including, `to`.
 */
export interface Ranks {
  from: number;
  to: number;
}

/** Finds a range's ranks in a set. */
export type Range = (set: SortedSet) => Ranks;

export type RangeKind = 'rank' | 'score' | 'lex';

/** Reads two arguments as a range. Throws CommandError. */
export function readRange(kind: RangeKind, min: Bytes, max: Bytes, backwards = false): Range {
  if (kind === 'score') return scoreRange(min, max);
  if (kind === 'lex') return lexRange(min, max);
  return rankRange(min, max, backwards);
}

/** Negative ranks count from the end. With `backwards` rank 0 is the highest score. */
function rankRange(start: Bytes, stop: Bytes, backwards: boolean): Range {
  const first = longArgument(start);
  const last = longArgument(stop);
  return ({ size }) => {
    const from = Math.max(0, first < 0 ? first + size : first);
    const to = Math.min(size, (last < 0 ? last + size : last) + 1);
    if (from >= to) return { from: 0, to: 0 };
    return backwards ? { from: size - to, to: size - from } : { from, to };
  };
}

interface ScoreBound {
  score: number;
  exclusive: boolean;
}

function scoreRange(minimum: Bytes, maximum: Bytes): Range {
  const min = scoreBound(minimum);
  const max = scoreBound(maximum);
  return (set) => {
    const empty = min.score > max.score || (min.score === max.score && (min.exclusive || max.exclusive));
    if (empty) return { from: 0, to: 0 };
    return {
      from: set.countBelow(min.score, min.exclusive),
      to: set.countBelow(max.score, !max.exclusive),
    };
  };
}

/** In front of a bound that is not part of the range itself. */
const openParenthesis = 0x28;

/** `score` or `(score`. */
function scoreBound({ buffer, start, end }: Bytes): ScoreBound {
  const exclusive = start < end && buffer[start] === openParenthesis;
  const score = looseDouble(buffer, exclusive ? start + 1 : start, end);
  if (score === undefined) throw new CommandError(errors.minMax);
  return { score, exclusive };
}

/**
 * A number as C's strtod reads it, which is laxer than scores are: blanks before it, nothing at all for 0,
 * too large for infinity, and a zero byte as the end.
 */
function looseDouble(buffer: Buffer, start: number, end: number): number | undefined {
  const strict = parseDouble(buffer, start, end);
  if (strict !== undefined) return strict;
  const text = buffer.toString('latin1', start, end).replace(/\0.*$/s, '');
  if (text === '') return 0;
  const trimmed = Buffer.from(text.replace(/^[ \t\n\v\f\r]+/, ''), 'latin1');
  if (trimmed.length === 0) return undefined;
  const number = parseDouble(trimmed, 0, trimmed.length);
  if (number !== undefined) return number;
  const isDecimal = floatSyntax(trimmed, 0, trimmed.length) === 'decimal';
  return isDecimal ? Number(trimmed.toString('latin1')) : undefined;
}

/** `-` and `+` stand for what is below and above every member. */
type LexBound = { member: Bytes; exclusive: boolean } | '-' | '+';

function lexRange(minimum: Bytes, maximum: Bytes): Range {
  const min = lexBound(minimum);
  const max = lexBound(maximum);
  return (set) => {
    if (isEmptyLexRange(min, max)) return { from: 0, to: 0 };
    return {
      from: typeof min === 'string' ? 0 : set.countBelowMember(min.member, min.exclusive),
      to: typeof max === 'string' ? set.size : set.countBelowMember(max.member, !max.exclusive),
    };
  };
}

function isEmptyLexRange(min: LexBound, max: LexBound): boolean {
  if (min === '+' || max === '-') return true;
  if (min === '-' || max === '+') return false;
  const order = compareBytes(min.member, max.member);
  return order > 0 || (order === 0 && (min.exclusive || max.exclusive));
}

/** `-`, `+`, `[member` or `(member`. */
function lexBound(argument: Bytes): LexBound {
  const { buffer, start, end } = argument;
  const sign = String.fromCharCode(buffer[start]);
  if (end - start === 1 && (sign === '-' || sign === '+')) return sign;
  if (start === end || (sign !== '[' && sign !== '(')) {
    throw new CommandError('ERR min or max not valid string range item');
  }
  const member = argument.copy();
  member.start++;
  return { member, exclusive: sign === '(' };
}

/** The part of a range that LIMIT leaves. A negative count is no limit; a negative offset leaves nothing. */
export function limitRanks({ from, to }: Ranks, offset: number, count: number, backwards: boolean): Ranks {
  if (offset < 0 || from >= to) return { from: 0, to: 0 };
  const size = Math.max(0, to - from - offset);
  const left = count < 0 ? size : Math.min(size, count);
  return backwards
    ? { from: to - offset - left, to: to - offset }
    : { from: from + offset, to: from + offset + left };
}
