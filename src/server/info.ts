import {
  clientsSection,
  clusterSection,
  commandStatsSection,
  cpuSection,
  errorStatsSection,
  keyspaceSection,
  latencyStatsSection,
  memorySection,
  modulesSection,
  persistenceSection,
  replicationSection,
  serverSection,
  statsSection,
} from './info-sections.js';
import type { RespiteServer } from './server.js';

/** One line of INFO. */
export type InfoField = [name: string, value: string | number];

/** A section of INFO. What it tells is worked out when somebody asks. */
export interface InfoSection {
  title: string;
  /** Shown by INFO without arguments; the others only by name, or by `all` and `everything`. */
  default: boolean;
  fields: (server: RespiteServer) => InfoField[];
}

/** All sections, in the order in which they are shown. A part of the server that has something to tell adds its fields here. */
const sections: InfoSection[] = [
  { title: 'Server', default: true, fields: serverSection },
  { title: 'Clients', default: true, fields: clientsSection },
  { title: 'Memory', default: true, fields: memorySection },
  { title: 'Persistence', default: true, fields: persistenceSection },
  { title: 'Stats', default: true, fields: statsSection },
  { title: 'Replication', default: true, fields: replicationSection },
  { title: 'CPU', default: true, fields: cpuSection },
  { title: 'Modules', default: true, fields: modulesSection },
  { title: 'Commandstats', default: false, fields: commandStatsSection },
  { title: 'Errorstats', default: true, fields: errorStatsSection },
  { title: 'Latencystats', default: false, fields: latencyStatsSection },
  { title: 'Cluster', default: true, fields: clusterSection },
  { title: 'Keyspace', default: true, fields: keyspaceSection },
];

/**
 * The text of INFO. `wanted` has names of sections in lower case, `default`, `all` or `everything`, any number of them;
 * none means the default ones. Unknown names are ignored.
 */
export function renderInfo(server: RespiteServer, wanted: string[]): string {
  const names = new Set(wanted.length === 0 ? ['default'] : wanted);
  const everything = names.has('all') || names.has('everything');
  const defaults = names.has('default');
  return sections
    .filter(
      ({ title, default: usual }) => everything || (defaults && usual) || names.has(title.toLowerCase()),
    )
    .map(({ title, fields }) => renderSection(title, fields(server)))
    .join('\r\n');
}

function renderSection(title: string, fields: InfoField[]): string {
  return `# ${title}\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join('')}`;
}
