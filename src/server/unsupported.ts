import type { Directives } from '../config/config.js';

/**
 * Directives that promise something this version does not do: whoever sets them has to know before relying on
 * it.
 */
const promises: readonly { inUse: (values: Directives) => boolean; consequence: string }[] = [
  {
    inUse: ({ replicaof }) => replicaof !== null,
    consequence: "'replicaof' has no effect yet: this server is a master with data of its own",
  },
  {
    inUse: (values) => values['cluster-enabled'],
    consequence: "'cluster-enabled yes' has no effect yet: this server is no node of a cluster",
  },
  {
    inUse: ({ user, aclfile }) => user.length > 0 || aclfile !== '',
    consequence: "'user' and 'aclfile' have no effect yet: only 'requirepass' keeps clients out",
  },
  {
    inUse: (values) => values.maxmemory > 0 && values['maxmemory-policy'] !== 'noeviction',
    consequence:
      "'maxmemory-policy' has no effect yet: above 'maxmemory' writes are refused, nothing is evicted",
  },
];

/** What to warn of at the start, a sentence each. */
export function brokenPromises(values: Directives): string[] {
  return promises.filter(({ inUse }) => inUse(values)).map(({ consequence }) => consequence);
}
