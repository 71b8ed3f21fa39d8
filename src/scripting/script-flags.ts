/** What a script or function says of itself, a bit each. */
export const ScriptFlag = {
  /** Writes nothing. */
  noWrites: 1 << 0,
  /** May run above the memory limit. */
  allowOom: 1 << 1,
  /** May run on a replica without its master. */
  allowStale: 1 << 2,
  /** Must not run in cluster mode. */
  noCluster: 1 << 3,
  /** May touch keys of several slots. */
  allowCrossSlotKeys: 1 << 4,
  /** Has no `#!` line: nothing is known of it, so its commands are judged one by one. */
  compatible: 1 << 5,
} as const;

/** The names, as scripts write them and FUNCTION LIST shows them. */
export const scriptFlagNames: readonly (readonly [string, number])[] = [
  ['no-writes', ScriptFlag.noWrites],
  ['allow-oom', ScriptFlag.allowOom],
  ['allow-stale', ScriptFlag.allowStale],
  ['no-cluster', ScriptFlag.noCluster],
  ['allow-cross-slot-keys', ScriptFlag.allowCrossSlotKeys],
];

export function scriptFlag(name: string): number | undefined {
  return scriptFlagNames.find(([known]) => known === name)?.[1];
}
