import { formatDouble } from '../bytes/doubles.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { SizeClassStatistics } from '../memory/arena.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { MemoryUsage, ServerApi } from './server-api.js';

type Figure = [name: string, value: number, form: 'integer' | 'double'];

/** The reply of MEMORY STATS: Redis's fields in their order. */
export function replyStatistics(server: ServerApi, reply: ReplyWriter): void {
  const usage = server.memoryUsage();
  const databases = server.keyspace.databases.filter(({ size }) => size > 0);
  const before = totals(server, usage);
  const after = ratios(server, usage);
  reply.map(before.length + databases.length + after.length);
  for (const figure of before) replyFigure(reply, figure);
  for (const { index, keys, expires } of databases) {
    reply.text(`db.${index}`);
    reply.map(3);
    replyFigure(reply, ['overhead.hashtable.main', keys.bytes, 'integer']);
    replyFigure(reply, ['overhead.hashtable.expires', expires.bytes, 'integer']);
    replyFigure(reply, ['overhead.hashtable.slot-to-keys', 0, 'integer']);
  }
  for (const figure of after) replyFigure(reply, figure);
}

function replyFigure(reply: ReplyWriter, [name, value, form]: Figure): void {
  reply.text(name);
  if (form === 'integer') reply.integer(Math.round(value));
  else reply.double(formatDouble(value));
}

function totals({ memoryParts }: ServerApi, usage: MemoryUsage): Figure[] {
  return [
    ['peak.allocated', usage.peak, 'integer'],
    ['total.allocated', usage.used, 'integer'],
    ['startup.allocated', usage.startup, 'integer'],
    ['replication.backlog', memoryParts.replicationBacklog, 'integer'],
    ['clients.slaves', usage.replicaClients, 'integer'],
    ['clients.normal', usage.normalClients, 'integer'],
    ['cluster.links', 0, 'integer'],
    ['aof.buffer', memoryParts.aofBuffer, 'integer'],
    ['lua.caches', memoryParts.scripts, 'integer'],
    ['functions.caches', memoryParts.functions, 'integer'],
  ];
}

function ratios({ keyspace }: ServerApi, usage: MemoryUsage): Figure[] {
  const { used, startup, dataset, peak, resident } = usage;
  const { allocatorAllocated, allocatorActive, allocatorResident } = usage;
  const net = used - startup;
  const keys = keyspace.size;
  return [
    ['overhead.total', used - dataset, 'integer'],
    ['keys.count', keys, 'integer'],
    ['keys.bytes-per-key', keys === 0 ? 0 : net / keys, 'integer'],
    ['dataset.bytes', dataset, 'integer'],
    ['dataset.percentage', net <= 0 ? 0 : (dataset / net) * 100, 'double'],
    ['peak.percentage', peak === 0 ? 0 : (used / peak) * 100, 'double'],
    ['allocator.allocated', allocatorAllocated, 'integer'],
    ['allocator.active', allocatorActive, 'integer'],
    ['allocator.resident', allocatorResident, 'integer'],
    ['allocator-fragmentation.ratio', ratio(allocatorActive, allocatorAllocated), 'double'],
    ['allocator-fragmentation.bytes', allocatorActive - allocatorAllocated, 'integer'],
    ['allocator-rss.ratio', ratio(allocatorResident, allocatorActive), 'double'],
    ['allocator-rss.bytes', allocatorResident - allocatorActive, 'integer'],
    ['rss-overhead.ratio', ratio(resident, allocatorResident), 'double'],
    ['rss-overhead.bytes', resident - allocatorResident, 'integer'],
    ['fragmentation', ratio(resident, used), 'double'],
    ['fragmentation.bytes', resident - used, 'integer'],
  ];
}

function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

const mib = 1024 * 1024;
/** Below this much in use, ratios say more about the runtime than about the data. */
const leastInUse = 5 * mib;
const muchPerClient = 200 * 1024;

/** What MEMORY DOCTOR looks for: when it applies, and what to say then. */
const complaints: { applies(usage: MemoryUsage, server: ServerApi): boolean; advice: string }[] = [
  {
    applies: ({ peak, used }) => peak > used * 1.5,
    advice:
      'Peak: once, more than one and a half times as much memory was in use as now. The process may be larger than the data need; MEMORY PURGE gives back what can be given back at once, and activedefrag the rest.',
  },
  {
    applies: ({ allocatorActive, allocatorAllocated }) =>
      allocatorActive > allocatorAllocated * 1.1 && allocatorActive - allocatorAllocated > 10 * mib,
    advice:
      'Fragmentation: blocks of the arena are spread over more pages than they need, as after many deletions. CONFIG SET activedefrag yes moves them together.',
  },
  {
    applies: ({ allocatorResident, allocatorActive }) =>
      allocatorResident > allocatorActive * 1.1 && allocatorResident - allocatorActive > 64 * mib,
    advice:
      'Empty pages: the arena keeps pages that hold nothing, because their segments hold something elsewhere. New data will use them; CONFIG SET activedefrag yes empties such segments and returns them.',
  },
  {
    applies: ({ resident, allocatorResident }) =>
      resident > allocatorResident * 1.5 && resident - allocatorResident > 256 * mib,
    advice:
      "Process overhead: the process is much larger than the arena. The JavaScript heap, connections' buffers and big collections' objects are in it; look at mem_clients_normal and used_memory_overhead of INFO memory.",
  },
  {
    applies: ({ normalClients }, { clients }) => normalClients / Math.max(1, clients.size) > muchPerClient,
    advice:
      'Big client buffers: clients hold more than 200 KB each on average, by large requests, replies that are not read, or messages to slow subscribers. CLIENT LIST shows whose tot-mem is large; client-output-buffer-limit and maxmemory-clients bound it.',
  },
  {
    applies: ({ replicaClients }) => replicaClients > 10 * mib,
    advice:
      'Big replica buffers: more than 10 MB wait to be sent to replicas. They may be too slow, or the link to them.',
  },
  {
    applies: (_usage, { memoryParts }) => memoryParts.scripts > 5 * mib,
    advice:
      'Many scripts: the scripts that EVAL keeps take much memory. Pass what varies as KEYS and ARGV, not in the text.',
  },
];

/** What MEMORY DOCTOR says. */
export function diagnose(server: ServerApi): string {
  const usage = server.memoryUsage();
  if (usage.used - usage.startup < leastInUse) {
    return 'There is hardly any data in this server, so that there is nothing to tell about its memory yet.\n';
  }
  const found = complaints.filter(({ applies }) => applies(usage, server));
  if (found.length === 0) return 'The memory of this server is in good order: nothing to complain about.\n';
  const list = found.map(({ advice }) => ` * ${advice}\n`).join('\n');
  return `This server's memory could be in better order:\n\n${list}`;
}

/** What MEMORY MALLOC-STATS shows: the arena by size classes. */
export function allocatorTable({ arena, orderNodes }: Keyspace): string {
  const { classes, largeBlocks, largeBytes, segments, freePages } = arena.statistics();
  const lines = [
    `Arena: ${arena.allocated} bytes in blocks, ${arena.activeBytes} in pages that hold any, ${arena.touchedBytes} in pages ever used`,
    `Segments: ${segments} of 64 MiB, the first of 32 MiB, with ${freePages} free pages of 64 KiB`,
    `Blocks with a buffer of their own: ${largeBlocks}, ${largeBytes} bytes`,
    `Tables, and nodes of lists: ${arena.indexBytes} bytes; trees of sorted sets: ${orderNodes.allocated} bytes`,
    '',
    tableRow('block bytes', 'pages', 'used blocks', 'free blocks', 'used'),
    ...classes.map(classRow),
  ];
  return `${lines.join('\n')}\n`;
}

function classRow({ blockBytes, pages, usedBlocks, freeBlocks }: SizeClassStatistics): string {
  const used = ((usedBlocks / (usedBlocks + freeBlocks)) * 100).toFixed(1);
  return tableRow(`${blockBytes}`, `${pages}`, `${usedBlocks}`, `${freeBlocks}`, `${used}%`);
}

function tableRow(...cells: string[]): string {
  return cells.map((cell) => cell.padStart(12)).join('');
}
