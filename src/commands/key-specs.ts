import type { CommandSpec, KeySpec } from './command.js';

/** Keys at fixed places: the form of spec that the oldest clients understand. */
interface FixedRange {
  begin: number;
  last: number;
  step: number;
}

function fixedRange({ begin, find }: KeySpec): FixedRange | undefined {
  if (typeof begin !== 'number' || find === 'unknown' || 'keyCountAt' in find || find.limit !== undefined) {
    return undefined;
  }
  return { begin, last: find.last < 0 ? find.last : begin + find.last, step: find.step };
}

/**
 * First key, last key (negative: from the end) and step, as COMMAND INFO has told them from the beginning;
 * zeros for a command without keys at fixed places. Ranges that follow one another are one range.
 */
export function keyRange(spec: CommandSpec): { first: number; last: number; step: number } {
  const merged = mergedRange(spec);
  if (merged === undefined) return { first: 0, last: 0, step: 0 };
  return { first: merged.range.begin, last: merged.range.last, step: merged.range.step };
}

/** True if clients cannot find all keys by the plain range and must ask, or read the key specs. */
export function hasMovableKeys(spec: CommandSpec): boolean {
  return (spec.keys?.length ?? 0) > (mergedRange(spec)?.specs ?? 0);
}

function mergedRange({ keys = [] }: CommandSpec): { range: FixedRange; specs: number } | undefined {
  const ranges = keys.map(fixedRange).filter((range) => range !== undefined);
  const range = ranges[0];
  if (range === undefined) return undefined;
  let specs = 1;
  for (const next of ranges.slice(1)) {
    if (next.step !== range.step || range.last < 0 || next.begin !== range.last + range.step) break;
    range.last = next.last;
    specs++;
  }
  return { range, specs };
}

/**
 * Position of the first field or member that a command on one key names if it is given no options, or 0: for looking
 * ahead, where a wrong guess costs no more than a look in vain.
 */
export function firstElement({ syntax, keys = [] }: CommandSpec): number {
  const [key, ...others] = syntax.replace(/\[[^\]]*\]/g, '').match(/[^\s\]]+/g) ?? [];
  if (key !== 'key' || keys.length !== 1) return 0;
  const index = others.findIndex((word) => word === 'member' || word === 'field');
  return index < 0 ? 0 : index + 2;
}
