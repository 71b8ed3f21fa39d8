import type { Bytes } from '../bytes/bytes.js';
import { formatDouble, formatDouble17 } from '../bytes/doubles.js';
import { globMatch } from '../bytes/glob.js';
import { TreeSortedSet } from '../values/tree-sorted-set.js';
import type { Call } from './command.js';
import { cursorArgument, readScanOptions, replyEmptyScan, scanSome } from './scan-options.js';
import { readSortedSet } from './sorted-set-values.js';

export function zscan(call: Call): void {
  const { args, reply } = call;
  const start = cursorArgument(args[2]);
  const set = readSortedSet(call, args[1]);
  if (set === undefined) return replyEmptyScan(call);
  const { pattern, count } = readScanOptions(call, 3, () => false);
  const found: { member: Bytes; score: number }[] = [];
  const next = scanSome(set, start, count, (member: Bytes, score: number) => {
    if (pattern === undefined || globMatch(pattern, member)) found.push({ member: member.copy(), score });
  });
  // Redis shows the scores of big sorted sets here, and only here, with 17 digits.
  const format = set instanceof TreeSortedSet ? formatDouble17 : formatDouble;
  reply.array(2);
  reply.text(String(next));
  reply.array(found.length * 2);
  for (const { member, score } of found) {
    reply.bytes(member);
    reply.text(format(score));
  }
}
