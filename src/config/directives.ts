/**
 * The table of all directives of redis.conf. One declaration each; reading files and the command line, CONFIG
 * GET, SET and REWRITE, --help, redis.conf.example, docs/CONFIGURATION.md and the types of the embedding API
 * are derived from it.
 *
 * Names, defaults, bounds and error texts are those of Redis 7.2.
 */
import type { Directive } from './directive.js';
import { clients } from './groups/clients.js';
import { cluster, clusterNat } from './groups/cluster.js';
import { dataTypes } from './groups/data-types.js';
import { general } from './groups/general.js';
import {
  activeDefrag,
  housekeeping,
  kernelMemory,
  lazyFreeing,
  memory,
  threadedIo,
} from './groups/memory.js';
import { network } from './groups/network.js';
import { latency, notification, slowLog } from './groups/observation.js';
import { appendOnly, snapshotting } from './groups/persistence.js';
import { replication } from './groups/replication.js';
import { scripting } from './groups/scripting.js';
import { security } from './groups/security.js';
import { shutdown } from './groups/shutdown.js';
import { tls } from './groups/tls.js';

const table = {
  ...network,
  ...tls,
  ...general,
  ...snapshotting,
  ...replication,
  ...security,
  ...clients,
  ...memory,
  ...lazyFreeing,
  ...threadedIo,
  ...kernelMemory,
  ...appendOnly,
  ...shutdown,
  ...scripting,
  ...cluster,
  ...clusterNat,
  ...slowLog,
  ...latency,
  ...notification,
  ...dataTypes,
  ...housekeeping,
  ...activeDefrag,
};

/** Canonical name of a directive, as a type. */
export type DirectiveName = keyof typeof table;

/** The value of every directive, by canonical name. */
export type Directives = {
  [Name in DirectiveName]: (typeof table)[Name] extends Directive<infer Value> ? Value : never;
};

/** All directives by canonical name, in the order in which they are shown. */
export const directives: ReadonlyMap<string, Directive<unknown>> = new Map(
  Object.entries<Directive<unknown>>(table),
);

/** Headings and their directives, in the order of the table. */
export const groups: readonly { readonly title: string; readonly names: readonly string[] }[] = [
  { title: 'Network', names: Object.keys(network) },
  { title: 'TLS', names: Object.keys(tls) },
  { title: 'General', names: Object.keys(general) },
  { title: 'Snapshots', names: Object.keys(snapshotting) },
  { title: 'Replication', names: Object.keys(replication) },
  { title: 'Security', names: Object.keys(security) },
  { title: 'Clients', names: Object.keys(clients) },
  { title: 'Memory', names: Object.keys(memory) },
  { title: 'Lazy freeing', names: Object.keys(lazyFreeing) },
  { title: 'Threaded I/O', names: Object.keys(threadedIo) },
  { title: 'Kernel and memory', names: Object.keys(kernelMemory) },
  { title: 'Append only file', names: Object.keys(appendOnly) },
  { title: 'Shutdown', names: Object.keys(shutdown) },
  { title: 'Scripts', names: Object.keys(scripting) },
  { title: 'Cluster', names: Object.keys(cluster) },
  { title: 'Cluster behind address translation', names: Object.keys(clusterNat) },
  { title: 'Slow log', names: Object.keys(slowLog) },
  { title: 'Latency', names: Object.keys(latency) },
  { title: 'Notification of events', names: Object.keys(notification) },
  { title: 'Encodings of data types', names: Object.keys(dataTypes) },
  { title: 'Housekeeping', names: Object.keys(housekeeping) },
  { title: 'Active defragmentation', names: Object.keys(activeDefrag) },
];

const canonicalNames = new Map<string, string>();
for (const [name, { alias }] of directives) {
  canonicalNames.set(name, name);
  if (alias !== undefined) canonicalNames.set(alias, name);
}

/** A directive found by its name or its alias, in any case. */
export interface Found {
  readonly name: string;
  readonly directive: Directive<unknown>;
}

export function findDirective(nameOrAlias: string): Found | undefined {
  const name = canonicalNames.get(nameOrAlias.toLowerCase());
  const directive = name === undefined ? undefined : directives.get(name);
  return name === undefined || directive === undefined ? undefined : { name, directive };
}

/** True if the values of the directive of this name must not be seen in logs. */
export function isSecret(nameOrAlias: string): boolean {
  return findDirective(nameOrAlias)?.directive.secret === true;
}

/** Directives of long ago, which may stand in files with one argument and mean nothing. */
export const forgottenDirectives: ReadonlySet<string> = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);
