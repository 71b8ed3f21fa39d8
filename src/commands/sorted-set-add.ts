import type { Bytes } from '../bytes/bytes.js';
import { parseDouble } from '../bytes/doubles.js';
import { EventClass } from '../keyspace/events.js';
import { addToSortedSet, createSortedSet, prepareFor } from '../keyspace/sorted-sets.js';
import { CommandError, errors } from '../protocol/errors.js';
import type { Call } from './command.js';
import { replyScoreOrNull, sortedSetLimits, writeSortedSet } from './sorted-set-values.js';

/** Options of ZADD. A bit each, as ZADD makes no objects. */
export const AddOption = { nx: 1, xx: 2, gt: 4, lt: 8, ch: 16, incr: 32 } as const;

export function zadd(call: Call): void {
  addMembers(call, 0);
}

export function zincrby(call: Call): void {
  addMembers(call, AddOption.incr);
}

/** Numbers begin with a digit, a point or a sign, but for `inf`. */
function optionOf(word: Bytes): number {
  if (word.buffer[word.start] < 0x41) return 0;
  if (word.is('nx')) return AddOption.nx;
  if (word.is('xx')) return AddOption.xx;
  if (word.is('gt')) return AddOption.gt;
  if (word.is('lt')) return AddOption.lt;
  if (word.is('ch')) return AddOption.ch;
  return word.is('incr') ? AddOption.incr : 0;
}

/** The scores of a call, read before anything is changed. */
let scores = new Float64Array(64);

/** Room for the scores of that many members, until the next call. */
export function scoreBuffer(members: number): Float64Array {
  if (members > scores.length) scores = new Float64Array(members * 2);
  return scores;
}

/** Reads options from argument 2 on, then pairs (score, member), and adds or changes the members. Hot. */
function addMembers(call: Call, given: number): void {
  const { args, argc } = call;
  let options = given;
  let first = 2;
  for (let option = optionOf(args[2]); option !== 0; option = first < argc ? optionOf(args[first]) : 0) {
    options |= option;
    first++;
  }
  const pairs = (argc - first) >> 1;
  if (pairs === 0 || (argc - first) % 2 !== 0) throw new CommandError(errors.syntax);
  checkOptions(options, pairs);
  const values = scoreBuffer(pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const { buffer, start, end } = args[first + pair * 2];
    const score = parseDouble(buffer, start, end);
    if (score === undefined) throw new CommandError(errors.notFloat);
    values[pair] = score;
  }
  addScored(call, options, pairs, first + 1, 2);
}

/**
 * Adds or changes members whose scores are in `scoreBuffer`. The members are every `stride`-th argument from
 * `first` on. Replies. Hot.
 */
export function addScored(call: Call, options: number, count: number, first: number, stride: number): void {
  const { args, database } = call;
  const key = args[1];
  const limits = sortedSetLimits(call);
  let set = writeSortedSet(call, key);
  if (set === undefined) {
    if ((options & AddOption.xx) !== 0) return replyChange(call, options, 0, 0, Number.NaN);
    set = createSortedSet(database, key, limits, count, args[first].length);
  } else {
    set = prepareFor(database, set, limits, count);
  }
  let added = 0;
  let updated = 0;
  let result = Number.NaN;
  for (let i = 0; i < count; i++) {
    const member = args[first + i * stride];
    const old = set.find(member);
    if (Number.isNaN(old)) {
      if ((options & AddOption.xx) !== 0) continue;
      result = scores[i];
      set = addToSortedSet(database, set, limits, member, result);
      added++;
    } else {
      const score = nextScore(options, old, scores[i]);
      if (Number.isNaN(score)) continue;
      result = score;
      if (score === old) continue;
      set.changeFound(score);
      updated++;
    }
  }
  replyChange(call, options, added, updated, result);
}

function checkOptions(options: number, pairs: number): void {
  if (options === 0) return;
  const has = (option: number) => (options & option) !== 0;
  if (has(AddOption.nx) && has(AddOption.xx)) {
    throw new CommandError('ERR XX and NX options at the same time are not compatible');
  }
  if (has(AddOption.gt) ? has(AddOption.nx | AddOption.lt) : has(AddOption.lt) && has(AddOption.nx)) {
    throw new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible');
  }
  if (has(AddOption.incr) && pairs > 1) {
    throw new CommandError('ERR INCR option supports a single increment-element pair');
  }
}

/** The score that a member with score `old` gets; NaN if the options leave it alone. */
function nextScore(options: number, old: number, given: number): number {
  if (options === 0) return given;
  if ((options & AddOption.nx) !== 0) return Number.NaN;
  const score = (options & AddOption.incr) !== 0 ? old + given : given;
  if (Number.isNaN(score)) throw new CommandError('ERR resulting score is not a number (NaN)');
  if ((options & AddOption.gt) !== 0 && score <= old) return Number.NaN;
  if ((options & AddOption.lt) !== 0 && score >= old) return Number.NaN;
  return score;
}

function replyChange(call: Call, options: number, added: number, updated: number, result: number): void {
  const { database, reply } = call;
  const increments = (options & AddOption.incr) !== 0;
  if (increments) replyScoreOrNull(reply, result);
  else reply.integer((options & AddOption.ch) !== 0 ? added + updated : added);
  if (added + updated === 0) return;
  database.modified(call.args[1], EventClass.sortedSet, increments ? 'zincr' : 'zadd', added + updated);
}
