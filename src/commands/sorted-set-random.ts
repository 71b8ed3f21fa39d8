import type { Bytes } from '../bytes/bytes.js';
import { CommandError, errors } from '../protocol/errors.js';
import { sampleIndexes } from '../values/sampling.js';
import type { SortedSet, VisitMember } from '../values/sorted-set.js';
import type { Call } from './command.js';
import { checkPairCount, pickCountArgument, pickInSlices } from './pick-count.js';
import { readSortedSet, replyMember, replyMemberCount } from './sorted-set-values.js';

/** A third of the members or more are picked in one walk over all of them; fewer by trying. */
const walkShare = 3;

export function zrandmember(call: Call): void {
  const { args, argc, reply } = call;
  if (argc === 2) return replyOne(call);
  const withScores = argc > 3 && args[3].is('withscores');
  const count = pickCountArgument(args[2]);
  if (argc > 4 || (argc === 4 && !withScores)) throw new CommandError(errors.syntax);
  if (withScores) checkPairCount(args[2]);
  const set = readSortedSet(call, args[1]);
  if (set === undefined) return reply.array(0);
  const length = count < 0 ? -count : Math.min(count, set.size);
  const chance = () => call.server.random.next();
  replyMemberCount(reply, length, withScores);
  const take: VisitMember = (member, score) => replyMember(reply, member, score, withScores);
  if (count < 0) pickInSlices(reply, length, (slice) => pickRepeatedly(set, slice, chance, take));
  else pickDistinct(set, length, chance, take);
}

function replyOne(call: Call): void {
  const { args, reply, server } = call;
  const set = readSortedSet(call, args[1]);
  if (set === undefined) return reply.null();
  const rank = Math.floor(server.random.next() * set.size);
  set.visitRanks(rank, rank + 1, false, (member) => reply.bytes(member));
}

/**
 * `count` members, each time any of all. Many are picked from a list of all, as finding each in a small set
 * is a walk.
 */
function pickRepeatedly(set: SortedSet, count: number, chance: () => number, take: VisitMember): void {
  const { size } = set;
  const anyRank = () => Math.floor(chance() * size);
  if (count < size) {
    for (let left = count; left > 0; left--) takeRank(set, anyRank(), take);
    return;
  }
  const members: { member: Bytes; score: number }[] = [];
  set.visitRanks(0, size, false, (member, score) => members.push({ member: member.copy(), score }));
  for (let left = count; left > 0; left--) {
    const { member, score } = members[anyRank()];
    take(member, score);
  }
}

/** `count` different members, all choices equally likely. */
function pickDistinct(set: SortedSet, count: number, chance: () => number, take: VisitMember): void {
  const { size } = set;
  if (count * walkShare > size) {
    sampleIndexes(size, count, chance, (rank) => takeRank(set, rank, take));
    return;
  }
  const taken = new Set<number>();
  while (taken.size < count) {
    const rank = Math.floor(chance() * size);
    if (taken.has(rank)) continue;
    taken.add(rank);
    takeRank(set, rank, take);
  }
}

function takeRank(set: SortedSet, rank: number, take: VisitMember): void {
  set.visitRanks(rank, rank + 1, false, take);
}
