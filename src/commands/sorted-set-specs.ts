import type { KeySpec } from './command.js';

/** What the declarations of the commands on sorted sets have in common. */
export const aboutSortedSets = { group: 'sorted-set' as const };

export const complexities = {
  member: 'O(log(N)) with N members in the sorted set.',
  members: 'O(M*log(N)) with N members in the sorted set and M members taken or asked for.',
  range: 'O(log(N)+M) with N members in the sorted set and M of them in the range.',
};

/** Keys after their number, which is at argument `begin`. */
export function countedKeys(flags: string, begin = 1): KeySpec[] {
  return [{ flags, begin, find: { keyCountAt: 0, firstKey: 1, step: 1 } }];
}

/** A key to store a result under, and then the keys that it is made of. */
export function destinationAnd(find: KeySpec['find']): KeySpec[] {
  return [
    { flags: 'OW update', begin: 1, find: { last: 0, step: 1 } },
    { flags: 'RO access', begin: 2, find },
  ];
}
