import { CommandError } from '../protocol/errors.js';
import type { Call, CommandSpec } from './command.js';
import { helpSubcommand } from './help.js';

const about = { group: 'cluster' as const, since: '3.0.0', complexity: 'O(1)', syntax: '' };
const view = { ...about, flags: ['stale'], handler: refuse } satisfies Partial<CommandSpec>;
const change = {
  ...about,
  flags: ['admin', 'stale', 'no_async_loading'],
  handler: refuse,
} satisfies Partial<CommandSpec>;
const variable = { tips: ['nondeterministic_output'] } satisfies Partial<CommandSpec>;

const perSlot = 'O(N) where N is the number of slots that are named.';
const perRangeSlot = 'O(N) where N is the number of slots in the ranges.';
const perNode = 'O(N) where N is the number of nodes.';

/**
 * The commands of cluster mode, in which this server never is: clients that ask hear so, and COMMAND knows them all.
 */
export const clusterCommands: CommandSpec[] = [
  {
    ...about,
    name: 'cluster',
    summary: 'Commands of cluster mode.',
    complexity: 'Depends on subcommand.',
    flags: [],
    subcommands: [
      {
        ...change,
        name: 'addslots',
        summary: 'Would make a node responsible for slots.',
        complexity: perSlot,
        syntax: 'slot [slot ...]',
      },
      {
        ...change,
        name: 'addslotsrange',
        since: '7.0.0',
        summary: 'Would make a node responsible for ranges of slots.',
        complexity: perRangeSlot,
        syntax: '<start-slot end-slot [start-slot end-slot ...]>',
      },
      { ...change, ...variable, name: 'bumpepoch', summary: 'Would advance the configuration epoch.' },
      {
        ...view,
        ...variable,
        name: 'count-failure-reports',
        flags: ['admin', 'stale'],
        summary: 'Would count the failure reports of a node.',
        complexity: 'O(N) where N is the number of reports.',
        syntax: 'node-id',
      },
      {
        ...view,
        name: 'countkeysinslot',
        summary: 'Would count the keys of a slot.',
        syntax: 'slot',
        types: { slot: 'integer' },
      },
      {
        ...change,
        name: 'delslots',
        summary: 'Would make slots unassigned.',
        complexity: perSlot,
        syntax: 'slot [slot ...]',
      },
      {
        ...change,
        name: 'delslotsrange',
        since: '7.0.0',
        summary: 'Would make ranges of slots unassigned.',
        complexity: perRangeSlot,
        syntax: '<start-slot end-slot [start-slot end-slot ...]>',
      },
      {
        ...change,
        name: 'failover',
        summary: 'Would make a replica take the place of its primary.',
        syntax: '[FORCE | TAKEOVER]',
      },
      { ...change, name: 'flushslots', summary: 'Would make all slots of a node unassigned.' },
      { ...change, name: 'forget', summary: 'Would take a node out of the cluster.', syntax: 'node-id' },
      {
        ...view,
        ...variable,
        name: 'getkeysinslot',
        summary: 'Would name keys of a slot.',
        complexity: 'O(N) where N is the number of keys that are wanted.',
        syntax: 'slot count',
        types: { slot: 'integer' },
      },
      { ...view, ...variable, name: 'info', summary: 'Would tell the state of the cluster.' },
      {
        ...view,
        name: 'keyslot',
        summary: 'Would tell the slot of a key.',
        complexity: 'O(N) where N is the length of the key.',
        syntax: 'key',
        types: { key: 'string' },
      },
      {
        ...view,
        ...variable,
        name: 'links',
        since: '7.0.0',
        summary: 'Would list the connections to other nodes.',
        complexity: perNode,
      },
      {
        ...change,
        name: 'meet',
        summary: 'Would bring a node into the cluster.',
        syntax: 'ip port [cluster_bus_port]',
        types: { ip: 'string', port: 'integer', cluster_bus_port: 'integer' },
      },
      { ...view, name: 'myid', summary: 'Would tell the ID of this node.' },
      {
        ...view,
        ...variable,
        name: 'myshardid',
        since: '7.2.0',
        summary: 'Would tell the ID of this node’s shard.',
      },
      {
        ...view,
        ...variable,
        name: 'nodes',
        summary: 'Would describe the nodes of the cluster.',
        complexity: perNode,
      },
      {
        ...view,
        ...variable,
        name: 'replicas',
        since: '5.0.0',
        flags: ['admin', 'stale'],
        summary: 'Would list the replicas of a node.',
        complexity: perNode,
        syntax: 'node-id',
      },
      {
        ...change,
        name: 'replicate',
        summary: 'Would make this node a replica of another.',
        syntax: 'node-id',
      },
      {
        ...change,
        name: 'reset',
        flags: ['admin', 'noscript', 'stale'],
        summary: 'Would make a node forget its cluster.',
        complexity: perNode,
        syntax: '[HARD | SOFT]',
      },
      { ...change, name: 'saveconfig', summary: 'Would write the state of the cluster to its file.' },
      {
        ...change,
        name: 'set-config-epoch',
        summary: 'Would set the configuration epoch of a new node.',
        syntax: 'config-epoch',
        types: { 'config-epoch': 'integer' },
      },
      {
        ...change,
        name: 'setslot',
        summary: 'Would bind a slot to a node.',
        syntax: 'slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>',
        types: { slot: 'integer' },
      },
      {
        ...view,
        ...variable,
        name: 'shards',
        since: '7.0.0',
        flags: ['loading', 'stale'],
        summary: 'Would tell which slots are where, by shards.',
        complexity: perNode,
      },
      {
        ...view,
        ...variable,
        name: 'slaves',
        flags: ['admin', 'stale'],
        deprecated: { since: '5.0.0', replacedBy: '`CLUSTER REPLICAS`' },
        summary: 'Would list the replicas of a node.',
        complexity: perNode,
        syntax: 'node-id',
      },
      {
        ...view,
        ...variable,
        name: 'slots',
        flags: ['loading', 'stale'],
        deprecated: { since: '7.0.0', replacedBy: '`CLUSTER SHARDS`' },
        summary: 'Would tell which slots are where.',
        complexity: perNode,
      },
      { ...helpSubcommand('cluster', '5.0.0'), handler: refuse },
    ],
  },
  {
    ...about,
    name: 'asking',
    summary: 'Would let the next command use a slot that is being imported.',
    flags: ['fast'],
    categories: ['connection'],
    handler: refuse,
  },
  {
    ...about,
    name: 'readonly',
    summary: 'Would let this connection read from a replica.',
    flags: ['loading', 'stale', 'fast'],
    categories: ['connection'],
    handler: refuse,
  },
  {
    ...about,
    name: 'readwrite',
    summary: 'Would send this connection to primaries again.',
    flags: ['loading', 'stale', 'fast'],
    categories: ['connection'],
    handler: refuse,
  },
];

function refuse(_call: Call): void {
  throw new CommandError('ERR This instance has cluster support disabled');
}
