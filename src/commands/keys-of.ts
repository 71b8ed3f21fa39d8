import type { Bytes } from '../bytes/bytes.js';
import { readSafeInteger } from '../bytes/integers.js';
import type { KeySpec } from './command.js';
import type { Command } from './registry.js';

/**
 * A key among the arguments, and what the command does to it, in the words of COMMAND INFO ('RW access
 * update').
 */
export interface FoundKey {
  position: number;
  flags: string;
}

/**
 * The keys that a call would touch, in order of the command's key specs. Undefined if the arguments do not
 * fit: a count of keys that is no number, too large, or less than one where one is needed.
 */
export function keysOf(command: Command, args: Bytes[], argc: number): FoundKey[] | undefined {
  const { spec } = command;
  if (spec.findKeys !== undefined) return argc > 1 ? spec.findKeys(args, argc) : undefined;
  const found: FoundKey[] = [];
  const needsKeys = !spec.flags.includes('no_mandatory_keys');
  for (const keySpec of spec.keys ?? []) {
    const positions = positionsOf(keySpec, args, argc);
    if (positions === undefined || (needsKeys && positions.length === 0 && countsKeys(keySpec)))
      return undefined;
    for (const position of positions) found.push({ position, flags: keySpec.flags });
  }
  return found;
}

/** True if a command of this kind can have keys at all. What stands in the place of keys, shard channels, is none. */
export function mayHaveKeys({ spec }: Command): boolean {
  return spec.findKeys !== undefined || spec.keys?.some(({ flags }) => flags !== 'not_key') === true;
}

function countsKeys({ find }: KeySpec): boolean {
  return find !== 'unknown' && 'keyCountAt' in find;
}

function positionsOf({ begin, find }: KeySpec, args: Bytes[], argc: number): number[] | undefined {
  const first = firstPosition(begin, args, argc);
  if (first === undefined || find === 'unknown') return [];
  if (first >= argc) return undefined;
  if ('keyCountAt' in find) return countedPositions(first, find, args, argc);
  const { last, step, limit = 0 } = find;
  let end = last < 0 ? argc + last : first + last;
  if (limit > 1) end = first + Math.floor((argc - first) / limit) - 1;
  return end < argc ? range(first, end, step) : undefined;
}

function firstPosition(begin: KeySpec['begin'], args: Bytes[], argc: number): number | undefined {
  if (begin === 'unknown') return undefined;
  if (typeof begin === 'number') return begin;
  const { keyword, startFrom } = begin;
  const word = keyword.toLowerCase();
  const step = startFrom < 0 ? -1 : 1;
  for (let i = startFrom < 0 ? argc + startFrom : startFrom; i > 0 && i < argc; i += step) {
    if (args[i].is(word)) return i + 1;
  }
  return undefined;
}

function countedPositions(
  start: number,
  { keyCountAt, firstKey, step }: { keyCountAt: number; firstKey: number; step: number },
  args: Bytes[],
  argc: number,
): number[] | undefined {
  const count = args[start + keyCountAt];
  if (start + keyCountAt >= argc) return undefined;
  const keys = readSafeInteger(count.buffer, count.start, count.end);
  const first = start + firstKey;
  const last = first + (keys - 1) * step;
  if (!(keys >= 0) || last >= argc) return undefined;
  return range(first, last, step);
}

function range(first: number, last: number, step: number): number[] {
  const positions: number[] = [];
  for (let i = first; i <= last; i += step) positions.push(i);
  return positions;
}
