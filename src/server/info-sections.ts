import { arch, endianness, platform, release, totalmem, type } from 'node:os';
import { resolve } from 'node:path';
import type { Client } from '../clients/client.js';
import { redisVersion } from '../commands/server-api.js';
import { percentileText } from '../config/special-kinds.js';
import type { SnapshotProgress } from '../persistence/snapshot.js';
import type { Replica, ReplicaState } from '../replication/replica.js';
import { humanBytes } from './human-bytes.js';
import type { InfoField } from './info.js';
import { replicaFields } from './info-replica.js';
import type { RespiteServer } from './server.js';
import { threadCpuUsage } from './thread-cpu-usage.js';

/**
 * The sections of INFO: every field of Redis 7.2 whose true value this server has, zeros where zero is true.
 */

const bitsOf: Partial<Record<string, number>> = { arm: 32, ia32: 32, mips: 32, mipsel: 32 };
const pollers: Partial<Record<string, string>> = { linux: 'epoll', darwin: 'kqueue', win32: 'iocp' };

export function serverSection(server: RespiteServer): InfoField[] {
  const now = server.clock.now();
  const uptime = Math.floor((now - server.startedAt) / 1000);
  const patience = server.ending.waitsForReplicasMs;
  return [
    ['redis_version', redisVersion],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', '0'],
    ['redis_mode', 'standalone'],
    ['os', `${type()} ${release()} ${arch() === 'x64' ? 'x86_64' : arch()}`],
    ['arch_bits', bitsOf[arch()] ?? 64],
    ['byte_order', endianness()],
    ['multiplexing_api', pollers[platform()] ?? 'poll'],
    ['monotonic_clock', platform() === 'win32' ? 'QueryPerformanceCounter' : 'POSIX clock_gettime'],
    ['node_version', process.versions.node],
    ['server_name', 'respite'],
    ['respite_version', server.version],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', server.runId],
    ['tcp_port', server.listeners.port || server.listeners.tlsPort],
    ['server_time_usec', Math.floor(now * 1000)],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', server.config.values.hz],
    ['configured_hz', server.config.values.hz],
    ['lru_clock', server.keyspace.lruClock],
    ['executable', resolve(process.argv[1] ?? process.execPath)],
    ['config_file', server.config.file ?? ''],
    ['io_threads_active', 0],
    ...(patience === undefined ? [] : [['shutdown_in_milliseconds', patience] satisfies InfoField]),
    ...listenerFields(server),
  ];
}

function listenerFields({ listeners, config }: RespiteServer): InfoField[] {
  const fields: InfoField[] = [];
  const { bind, unixsocket } = config.values;
  const addresses = bind.map((address) => `,bind=${address}`).join('');
  const add = (text: string) => fields.push([`listener${fields.length}`, text]);
  if (listeners.port > 0) add(`name=tcp${addresses},port=${listeners.port}`);
  if (unixsocket !== '') add(`name=unix,bind=${unixsocket}`);
  if (listeners.tlsPort > 0) add(`name=tls${addresses},port=${listeners.tlsPort}`);
  return fields;
}

/** Connections that are not about to end. */
function openClients(server: RespiteServer): Client[] {
  return [...server.clients.all()].filter((client) => !client.closing);
}

function most(clients: Client[], measure: (client: Client) => number): number {
  return clients.reduce((highest, client) => Math.max(highest, measure(client)), 0);
}

export function clientsSection(server: RespiteServer): InfoField[] {
  const clients = openClients(server);
  const { waiting } = server.loop.dispatcher.blocking;
  const replicas = server.replication.replicas.filter(({ client }) => !client.closing);
  return [
    ['connected_clients', clients.length - replicas.length],
    ['cluster_connections', 0],
    ['maxclients', server.config.values.maxclients],
    ['client_recent_max_input_buffer', most(clients, ({ transport }) => transport.queryBufferCapacity)],
    [
      'client_recent_max_output_buffer',
      most(clients, ({ transport, reply }) => transport.unsentBytes + reply.size),
    ],
    ['blocked_clients', waiting.size],
    ['tracking_clients', server.tracking.clientCount],
    ['clients_in_timeout_table', clients.filter(({ blocked }) => Number.isFinite(blocked?.deadline)).length],
    ['total_blocking_keys', waiting.keyCount],
    ['total_blocking_keys_on_nokey', waiting.keyCountEvenWhenGone],
  ];
}

export function memorySection(server: RespiteServer): InfoField[] {
  const { keyspace, config, memoryParts, scripting } = server;
  const usage = server.memoryUsage();
  const { used, peak, dataset, resident, allocatorAllocated, allocatorActive, allocatorResident } = usage;
  const { scripts, functions } = memoryParts;
  const scriptEngine = scripting.evalVmMemory;
  const functionEngine = scripting.functions.vmMemory;
  return [
    ...withHuman('used_memory', used),
    ...withHuman('used_memory_rss', resident),
    ...withHuman('used_memory_peak', peak),
    ['used_memory_peak_perc', percent(used, peak)],
    ['used_memory_overhead', used - dataset],
    ['used_memory_startup', usage.startup],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', percent(dataset, used - usage.startup)],
    ['allocator_allocated', allocatorAllocated],
    ['allocator_active', allocatorActive],
    ['allocator_resident', allocatorResident],
    ...withHuman('total_system_memory', totalmem()),
    ...withHuman('used_memory_lua', scriptEngine),
    ['used_memory_vm_eval', scriptEngine],
    ['used_memory_scripts_eval', scripts],
    ['number_of_cached_scripts', scripting.scripts.size],
    ['number_of_functions', scripting.functions.functionCount],
    ['number_of_libraries', scripting.functions.libraryCount],
    ['used_memory_vm_functions', functionEngine],
    ...withHuman('used_memory_vm_total', scriptEngine + functionEngine),
    ['used_memory_functions', functions],
    ...withHuman('used_memory_scripts', scripts + functions),
    ...withHuman('maxmemory', config.values.maxmemory),
    ['maxmemory_policy', config.values['maxmemory-policy']],
    ['allocator_frag_ratio', ratio(allocatorActive, allocatorAllocated)],
    ['allocator_frag_bytes', allocatorActive - allocatorAllocated],
    ['allocator_rss_ratio', ratio(allocatorResident, allocatorActive)],
    ['allocator_rss_bytes', allocatorResident - allocatorActive],
    ['rss_overhead_ratio', ratio(resident, allocatorResident)],
    ['rss_overhead_bytes', resident - allocatorResident],
    ['mem_fragmentation_ratio', ratio(resident, used)],
    ['mem_fragmentation_bytes', resident - used],
    ['mem_not_counted_for_evict', usage.notCountedForEviction],
    ['mem_replication_backlog', memoryParts.replicationBacklog],
    ['mem_total_replication_buffers', memoryParts.replicationBacklog + memoryParts.replicaBuffers],
    ['mem_clients_slaves', usage.replicaClients],
    ['mem_clients_normal', usage.normalClients],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', memoryParts.aofBuffer],
    ['mem_allocator', 'respite-arena'],
    ['active_defrag_running', server.defrag.runningPercent],
    ['lazyfree_pending_objects', keyspace.lazyFree.pendingObjects],
    ['lazyfreed_objects', keyspace.lazyFree.freedObjects],
  ];
}

/** A number of bytes, and the same for people. */
function withHuman(name: string, bytes: number): InfoField[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;
}

function ratio(a: number, b: number): string {
  return (b === 0 ? 0 : a / b).toFixed(2);
}

const nothingUnderWay: SnapshotProgress = { keysProcessed: 0, keysTotal: 0, allCopiedBytes: 0 };

export function persistenceSection(server: RespiteServer): InfoField[] {
  const { saving, appendOnly, dataSet } = server;
  const progress = saving.progress ?? appendOnly.progress;
  const { keysProcessed, keysTotal, allCopiedBytes: copiedBytes } = progress ?? nothingUnderWay;
  return [
    ['loading', dataSet.loading === undefined ? 0 : 1],
    ['async_loading', dataSet.loadingAside === undefined ? 0 : 1],
    ['current_cow_peak', copiedBytes],
    ['current_cow_size', copiedBytes],
    ['current_cow_size_age', 0],
    ['current_fork_perc', (keysTotal === 0 ? 0 : (100 * keysProcessed) / keysTotal).toFixed(2)],
    ['current_save_keys_processed', keysProcessed],
    ['current_save_keys_total', keysTotal],
    ['rdb_changes_since_last_save', saving.changesSinceSave],
    ['rdb_bgsave_in_progress', saving.inProgress ? 1 : 0],
    ['rdb_last_save_time', saving.lastSave],
    ['rdb_last_bgsave_status', saving.lastStatus],
    ['rdb_last_bgsave_time_sec', saving.lastSeconds],
    ['rdb_current_bgsave_time_sec', saving.secondsInProgress],
    ['rdb_saves', saving.saves],
    ['rdb_last_cow_size', saving.lastCopiedBytes],
    ['rdb_last_load_keys_expired', dataSet.keysExpired],
    ['rdb_last_load_keys_loaded', dataSet.keysLoaded],
    ...appendOnlyFields(server),
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...(appendOnly.state === 'off' ? [] : appendOnlySizes(server)),
    ...loadingFields(server),
  ];
}

function appendOnlyFields({ appendOnly, clock }: RespiteServer): InfoField[] {
  const { rewrites, state, scheduled, rewriting, writer } = appendOnly;
  const current = rewriting ? Math.floor((clock.now() - rewrites.startedAt) / 1000) : -1;
  return [
    ['aof_enabled', state === 'off' ? 0 : 1],
    ['aof_rewrite_in_progress', rewriting ? 1 : 0],
    ['aof_rewrite_scheduled', scheduled ? 1 : 0],
    ['aof_last_rewrite_time_sec', rewrites.lastSeconds],
    ['aof_current_rewrite_time_sec', current],
    ['aof_last_bgrewrite_status', rewrites.lastOk ? 'ok' : 'err'],
    ['aof_rewrites', rewrites.count],
    ['aof_rewrites_consecutive_failures', rewrites.failuresInRow],
    ['aof_last_write_status', writer.failing ? 'err' : 'ok'],
    ['aof_last_cow_size', 0],
  ];
}

function appendOnlySizes({ appendOnly }: RespiteServer): InfoField[] {
  const { currentSize, baseSize, writer, scheduled } = appendOnly;
  return [
    ['aof_current_size', currentSize],
    ['aof_base_size', baseSize],
    ['aof_pending_rewrite', scheduled ? 1 : 0],
    ['aof_buffer_length', writer.pendingBytes],
    ['aof_pending_bio_fsync', writer.syncing ? 1 : 0],
    ['aof_delayed_fsync', writer.delayedSyncs],
  ];
}

/** Shown while a data set is loaded. */
function loadingFields({ dataSet, clock }: RespiteServer): InfoField[] {
  const loading = dataSet.loading ?? dataSet.loadingAside;
  if (loading === undefined) return [];
  return [
    ['loading_start_time', Math.floor(loading.startedAt / 1000)],
    ['loading_total_bytes', loading.totalBytes],
    ['loading_rdb_used_mem', loading.usedMemoryWhenSaved],
    ['loading_loaded_bytes', loading.loadedBytes],
    ['loading_loaded_perc', loading.percent.toFixed(2)],
    ['loading_eta_seconds', loading.etaSeconds(clock.now())],
  ];
}

export function statsSection(server: RespiteServer): InfoField[] {
  const { statistics, metrics, keyspace, pubsub } = server;
  const keys = keyspace.statistics;
  const defrag = keyspace.defragmentation.statistics;
  return [
    ['total_connections_received', statistics.connectionsReceived],
    ['total_commands_processed', statistics.commandsProcessed],
    ['instantaneous_ops_per_sec', Math.round(metrics.commandsPerSecond)],
    ['total_net_input_bytes', statistics.netInputBytes],
    ['total_net_output_bytes', statistics.netOutputBytes],
    ['total_net_repl_input_bytes', statistics.replicationInputBytes],
    ['total_net_repl_output_bytes', statistics.replicationOutputBytes],
    ['instantaneous_input_kbps', kilobytes(metrics.inputBytesPerSecond)],
    ['instantaneous_output_kbps', kilobytes(metrics.outputBytesPerSecond)],
    ['instantaneous_input_repl_kbps', kilobytes(metrics.replicationInput.perSecond)],
    ['instantaneous_output_repl_kbps', kilobytes(metrics.replicationOutput.perSecond)],
    ['rejected_connections', statistics.connectionsRejected],
    ['sync_full', server.replication.statistics.full],
    ['sync_partial_ok', server.replication.statistics.partialAccepted],
    ['sync_partial_err', server.replication.statistics.partialRefused],
    ['expired_subkeys', keys.expiredFields],
    ['expired_keys', keys.expiredKeys],
    ['expired_stale_perc', keys.expiredStalePercent.toFixed(2)],
    ['expired_time_cap_reached_count', keys.expiredTimeCapReached],
    ['expire_cycle_cpu_milliseconds', Math.floor(keys.expireCycleMicroseconds / 1000)],
    ['evicted_keys', keys.evictedKeys],
    ['evicted_clients', server.loop.clientEviction.evictedClients],
    ['total_eviction_exceeded_time', Math.floor(server.memoryLimit.totalExcessMs)],
    ['current_eviction_exceeded_time', Math.floor(server.memoryLimit.currentExcessMs)],
    ['keyspace_hits', keys.hits],
    ['keyspace_misses', keys.misses],
    ['pubsub_channels', pubsub.channels.size],
    ['pubsub_patterns', pubsub.patterns.size],
    ['pubsubshard_channels', pubsub.shardChannels.size],
    ['latest_fork_usec', 0],
    ['total_forks', server.keyspace.arena.epoch], // snapshots begun, for which others fork
    ['migrate_cached_sockets', server.links.size],
    ['slave_expires_tracked_keys', server.replicaRole.localExpiry.size],
    ['active_defrag_hits', defrag.moved],
    ['active_defrag_misses', defrag.stayed],
    ['active_defrag_key_hits', defrag.keysWithMoves],
    ['active_defrag_key_misses', defrag.keysWithoutMoves],
    ['total_active_defrag_time', Math.floor(server.defrag.totalMs)],
    ['current_active_defrag_time', Math.floor(server.defrag.currentMs)],
    ['tracking_total_keys', server.tracking.keyCount],
    ['tracking_total_items', server.tracking.itemCount],
    ['tracking_total_prefixes', server.tracking.prefixCount],
    ['unexpected_error_replies', statistics.unexpectedErrorReplies],
    ['total_error_replies', statistics.totalErrorReplies],
    ['total_reads_processed', statistics.readsProcessed],
    ['total_writes_processed', statistics.writesProcessed],
    ['dump_payload_sanitizations', 0],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['reply_buffer_shrinks', server.clients.replyBuffers.shrinks],
    ['reply_buffer_expands', server.clients.replyBuffers.expands],
    ['acl_access_denied_auth', statistics.loginsRefused],
    ['acl_access_denied_cmd', 0],
    ['acl_access_denied_key', 0],
    ['acl_access_denied_channel', 0],
    ...eventLoopFields(server),
  ];
}

function eventLoopFields({ metrics, commands, loop }: RespiteServer): InfoField[] {
  // What ran inside EXEC is in EXEC's own time too.
  let commandMicroseconds = -loop.dispatcher.accounts.nestedMicroseconds;
  for (const command of commands.everyCommand()) commandMicroseconds += command.microseconds;
  return [
    ['eventloop_cycles', metrics.eventLoopTurns],
    ['eventloop_duration_sum', metrics.eventLoopMicroseconds],
    ['eventloop_duration_cmd_sum', Math.round(commandMicroseconds)],
    ['instantaneous_eventloop_cycles_per_sec', Math.round(metrics.eventLoopTurnsPerSecond)],
    ['instantaneous_eventloop_duration_usec', Math.round(metrics.eventLoopTurnMicroseconds)],
  ];
}

/**
 * What those who develop the server want to know of its event loop. What the append-only file takes is not measured by
 * itself.
 */
export function debugSection({ loop, metrics, coalescing }: RespiteServer): InfoField[] {
  return [
    ['eventloop_duration_aof_sum', 0],
    ['eventloop_duration_cron_sum', Math.round(metrics.cronMicroseconds)],
    ['eventloop_duration_max', Math.round(loop.longestBatchMicroseconds)],
    ['eventloop_cmd_per_cycle_max', loop.mostCommandsOfBatch],
    ['eventloop_pauses', coalescing?.pauses ?? 0],
    ['eventloop_duration_pauses_sum', Math.round(coalescing?.pausedMicroseconds ?? 0)],
  ];
}

function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(2);
}

export function replicationSection(server: RespiteServer): InfoField[] {
  const { replication, config, clock } = server;
  const { log, replicas, role, goodReplicas } = replication;
  const { backlog } = log;
  const { 'min-replicas-to-write': least, 'min-replicas-max-lag': maxLag } = config.values;
  return [
    ['role', role === 'master' ? 'master' : 'slave'],
    ...replicaFields(server),
    ['connected_slaves', replicas.length],
    ...(least > 0 && maxLag > 0 ? [['min_slaves_good_slaves', goodReplicas] satisfies InfoField] : []),
    ...replicas.map((replica, i) => replicaField(replica, i, clock.now())),
    ['master_failover_state', server.replicaRole.failover.state],
    ['master_replid', log.id],
    ['master_replid2', log.secondId],
    ['master_repl_offset', log.offset],
    ['second_repl_offset', log.secondOffset],
    ['repl_backlog_active', backlog === undefined ? 0 : 1],
    ['repl_backlog_size', config.values['repl-backlog-size']],
    ['repl_backlog_first_byte_offset', backlog === undefined ? 0 : backlog.start + 1],
    ['repl_backlog_histlen', backlog?.length ?? 0],
  ];
}

const replicaStates = {
  waiting: 'wait_bgsave',
  snapshot: 'wait_bgsave',
  transfer: 'send_bulk',
  online: 'online',
  transmitted: 'rdb_transmitted',
} as const satisfies Record<ReplicaState, string>;

function replicaField(replica: Replica, number: number, now: number): InfoField {
  const { address, traits, state, acknowledged, acknowledgedAt } = replica;
  // What goes into the socket as it is made counts as being made.
  const shown = state === 'transfer' && replica.awaitsAcknowledgement ? 'snapshot' : state;
  const lag = state === 'online' ? Math.floor((now - acknowledgedAt) / 1000) : 0;
  return [
    `slave${number}`,
    `ip=${address},port=${traits.listeningPort},state=${replicaStates[shown]},offset=${acknowledged},lag=${lag}`,
  ];
}

export function cpuSection(): InfoField[] {
  const { user, system } = process.cpuUsage();
  return [
    ['used_cpu_sys', seconds(system)],
    ['used_cpu_user', seconds(user)],
    ['used_cpu_sys_children', seconds(0)],
    ['used_cpu_user_children', seconds(0)],
    ...mainThreadFields(),
  ];
}

function mainThreadFields(): InfoField[] {
  const usage = threadCpuUsage();
  if (usage === undefined) return [];
  return [
    ['used_cpu_sys_main_thread', seconds(usage.system)],
    ['used_cpu_user_main_thread', seconds(usage.user)],
  ];
}

function seconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}

export function modulesSection(): InfoField[] {
  return [];
}

export function commandStatsSection({ commands }: RespiteServer): InfoField[] {
  const fields: InfoField[] = [];
  for (const { fullName, calls, microseconds, rejectedCalls, failedCalls } of commands.everyCommand()) {
    if (calls + rejectedCalls + failedCalls === 0) continue;
    const perCall = (calls === 0 ? 0 : microseconds / calls).toFixed(2);
    fields.push([
      `cmdstat_${fullName}`,
      `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${perCall},` +
        `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ]);
  }
  return fields;
}

export function errorStatsSection({ statistics }: RespiteServer): InfoField[] {
  return [...statistics.errorCounts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, count]): InfoField => [`errorstat_${code}`, `count=${count}`]);
}

export function latencyStatsSection({ commands, config }: RespiteServer): InfoField[] {
  if (!config.values['latency-tracking']) return [];
  const percents = config.values['latency-tracking-info-percentiles'];
  const ascending = percents.toSorted((a, b) => a - b);
  const fields: InfoField[] = [];
  for (const { fullName, latencies } of commands.everyCommand()) {
    if (latencies === undefined) continue;
    const values = latencies.percentiles(ascending);
    const shown = percents.map((percent) => {
      const microseconds = values[ascending.indexOf(percent)] / 1000;
      return `p${percentileText(percent)}=${microseconds.toFixed(3)}`;
    });
    fields.push([`latency_percentiles_usec_${fullName}`, shown.join(',')]);
  }
  return fields;
}

export function clusterSection(): InfoField[] {
  return [['cluster_enabled', 0]];
}

export function keyspaceSection({ keyspace }: RespiteServer): InfoField[] {
  return keyspace.databases
    .filter((database) => database.size > 0)
    .map(({ index, size, expires, fieldExpires, averageTtl }): InfoField => {
      const ttl = Math.round(averageTtl);
      const counts = `keys=${size},expires=${expires.size},avg_ttl=${ttl},subexpiry=${fieldExpires.size}`;
      return [`db${index}`, counts];
    });
}
