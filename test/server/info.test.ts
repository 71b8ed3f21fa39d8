import { describe, expect, it } from 'vitest';
import { infoFields } from '../support/info.js';
import { connect, startWithClient } from '../support/respite.js';

describe('INFO', () => {
  it('shows what is for developers only by its name', async () => {
    const { redis } = await startWithClient();
    expect(String(await redis.info('everything'))).not.toContain('# Debug');
    expect(String(await redis.info('debug'))).toMatch(/^# Debug\r\neventloop_duration_aof_sum:0\r\n/);
  });

  it('has the fields that metrics exporters and client libraries read', async () => {
    const { redis } = await startWithClient();
    const info = await infoFields(redis, 'everything');
    const read =
      'redis_version redis_build_id redis_mode os tcp_port run_id process_id uptime_in_seconds uptime_in_days hz ' +
      'connected_clients blocked_clients maxclients tracking_clients clients_in_timeout_table cluster_connections ' +
      'client_recent_max_input_buffer client_recent_max_output_buffer used_memory used_memory_rss used_memory_peak ' +
      'used_memory_overhead used_memory_startup used_memory_dataset used_memory_lua used_memory_scripts ' +
      'allocator_active allocator_allocated allocator_resident allocator_frag_ratio allocator_rss_ratio maxmemory ' +
      'maxmemory_policy mem_fragmentation_ratio mem_allocator mem_clients_normal mem_clients_slaves mem_aof_buffer ' +
      'mem_replication_backlog lazyfree_pending_objects lazyfreed_objects active_defrag_running total_system_memory ' +
      'loading async_loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time ' +
      'rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_last_cow_size aof_enabled ' +
      'aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec aof_last_bgrewrite_status ' +
      'aof_last_write_status aof_last_cow_size total_connections_received total_commands_processed ' +
      'instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes instantaneous_input_kbps ' +
      'instantaneous_output_kbps rejected_connections sync_full sync_partial_ok sync_partial_err expired_keys ' +
      'expired_stale_perc expired_time_cap_reached_count evicted_keys keyspace_hits keyspace_misses pubsub_channels ' +
      'pubsub_patterns latest_fork_usec migrate_cached_sockets slave_expires_tracked_keys active_defrag_hits ' +
      'total_error_replies unexpected_error_replies total_reads_processed total_writes_processed dump_payload_sanitizations ' +
      'role connected_slaves master_replid master_repl_offset second_repl_offset repl_backlog_active ' +
      'repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen used_cpu_sys used_cpu_user ' +
      'used_cpu_sys_children used_cpu_user_children cluster_enabled';
    expect(read.split(' ').filter((name) => !info.has(name))).toEqual([]);
  });

  it.runIf(process.platform === 'linux')('tells the processor time of the thread that serves', async () => {
    const { redis } = await startWithClient();
    const info = await infoFields(redis, 'cpu');
    for (const kind of ['sys', 'user']) {
      expect(info.get(`used_cpu_${kind}_main_thread`)).toMatch(/^\d+\.\d{6}$/);
      const ofThread = Number(info.get(`used_cpu_${kind}_main_thread`));
      expect(ofThread).toBeGreaterThan(0);
      expect(ofThread).toBeLessThan(Number(info.get(`used_cpu_${kind}`)) + 0.02);
    }
  });

  it('counts commands, their failures, and errors by kind', async () => {
    const { redis } = await startWithClient();
    await redis.config('RESETSTAT');
    await redis.set('text', 'abc');
    await redis.incr('text').catch(() => {});
    await redis.call('INCR').catch(() => {});
    await redis.call('NOSUCH').catch(() => {});
    const info = await infoFields(redis, 'everything');
    expect(info.get('cmdstat_incr')).toMatch(
      /^calls=1,usec=\d+,usec_per_call=[\d.]+,rejected_calls=1,failed_calls=1$/,
    );
    expect(info.get('errorstat_ERR')).toBe('count=3');
    expect(info.get('total_error_replies')).toBe('3');
    expect(info.get('total_commands_processed')).toBe('3');
  });

  it('counts what lies beyond 128 kinds of errors together', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    for (let i = 0; i < 130; i++) await redis.call('DEBUG', 'ERROR', `E${i} text`).catch(() => {});
    const info = await infoFields(redis, 'errorstats');
    expect(info.size).toBe(129);
    expect(info.get('errorstat_E127')).toBe('count=1');
    expect(info.get('errorstat_ERRORSTATS_OVERFLOW')).toBe('count=2');
  });

  it('tells rates of the present', async () => {
    const { server, redis } = await startWithClient({ hz: 100 });
    const busy = connect(server);
    const rate = async () => Number((await infoFields(redis, 'stats')).get('instantaneous_ops_per_sec'));
    let seen = 0;
    for (let i = 0; i < 2000 && seen === 0; i++) {
      await Promise.all(Array.from({ length: 50 }, () => busy.ping()));
      seen = await rate();
    }
    expect(seen).toBeGreaterThan(0);
  });

  it('tells of the event loop', async () => {
    const { redis } = await startWithClient({ 'enable-debug-command': 'yes' });
    await redis.call('DEBUG', 'SLEEP', '0.02');
    const stats = await infoFields(redis, 'stats');
    expect(Number(stats.get('eventloop_duration_cmd_sum'))).toBeGreaterThan(20_000);
    const debug = await infoFields(redis, 'debug');
    expect(Number(debug.get('eventloop_duration_max'))).toBeGreaterThan(20_000);
    expect(Number(debug.get('eventloop_cmd_per_cycle_max'))).toBeGreaterThan(0);
  });
});
