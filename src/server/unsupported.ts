import type { Directives } from '../config/config.js';

/**
 * Directives that promise something this version does not do: whoever sets them has to know before relying on
 * it.
 */
const promises: readonly { inUse: (values: Directives) => boolean; consequence: string }[] = [
  {
    inUse: (values) => values['cluster-enabled'],
    consequence: "'cluster-enabled yes' has no effect yet: this server is no node of a cluster",
  },
  {
    inUse: ({ user, aclfile }) => user.length > 0 || aclfile !== '',
    consequence: "'user' and 'aclfile' have no effect yet: only 'requirepass' keeps clients out",
  },
];

/** What to warn of at the start, a sentence each. */
export function brokenPromises(values: Directives): string[] {
  return promises.filter(({ inUse }) => inUse(values)).map(({ consequence }) => consequence);
}
