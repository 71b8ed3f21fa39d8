import {
  clientsSection,
  clusterSection,
  commandStatsSection,
  cpuSection,
  debugSection,
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
  /** Which is enough to see it: INFO without arguments, INFO all or everything, or only its own name. */
  shownBy: 'default' | 'all' | 'name';
  fields: (server: RespiteServer) => InfoField[];
}

/**
 * All sections, in the order in which they are shown. A part of the server that has something to tell adds
 * its fields here.
 */
const sections: InfoSection[] = [
  { title: 'Server', shownBy: 'default', fields: serverSection },
  { title: 'Clients', shownBy: 'default', fields: clientsSection },
  { title: 'Memory', shownBy: 'default', fields: memorySection },
  { title: 'Persistence', shownBy: 'default', fields: persistenceSection },
  { title: 'Stats', shownBy: 'default', fields: statsSection },
  { title: 'Replication', shownBy: 'default', fields: replicationSection },
  { title: 'CPU', shownBy: 'default', fields: cpuSection },
  { title: 'Modules', shownBy: 'default', fields: modulesSection },
  { title: 'Commandstats', shownBy: 'all', fields: commandStatsSection },
  { title: 'Errorstats', shownBy: 'default', fields: errorStatsSection },
  { title: 'Latencystats', shownBy: 'all', fields: latencyStatsSection },
  { title: 'Cluster', shownBy: 'default', fields: clusterSection },
  { title: 'Keyspace', shownBy: 'default', fields: keyspaceSection },
  { title: 'Debug', shownBy: 'name', fields: debugSection },
];

/**
 * The text of INFO. `wanted` has names of sections in lower case, `default`, `all` or `everything`, any
 * number of them; none means the default ones. Unknown names are ignored.
 */
export function renderInfo(server: RespiteServer, wanted: string[]): string {
  const names = new Set(wanted.length === 0 ? ['default'] : wanted);
  const everything = names.has('all') || names.has('everything');
  const shown = {
    default: everything || names.has('default'),
    all: everything,
    name: false,
  };
  return sections
    .filter(({ title, shownBy }) => shown[shownBy] || names.has(title.toLowerCase()))
    .map(({ title, fields }) => renderSection(title, fields(server)))
    .join('\r\n');
}

function renderSection(title: string, fields: InfoField[]): string {
  return `# ${title}\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join('')}`;
}
