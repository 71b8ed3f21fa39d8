import type { InfoField } from './info.js';
import type { RespiteServer } from './server.js';

/** What INFO replication shows of the primary and the link to it; nothing on a server that is a primary itself. */
export function replicaFields(server: RespiteServer): InfoField[] {
  const { replicaRole, config } = server;
  const link = replicaRole.primary;
  if (link === undefined) return [];
  const now = server.clock.now();
  const up = link.state === 'connected';
  const { values } = config;
  return [
    ['master_host', link.host],
    ['master_port', link.port],
    ['master_link_status', up ? 'up' : 'down'],
    ['master_last_io_seconds_ago', up ? seconds(now - link.lastIo) : -1],
    ['master_sync_in_progress', link.state === 'sync' ? 1 : 0],
    ['slave_read_repl_offset', up ? link.readOffset : link.offset],
    ['slave_repl_offset', link.offset],
    ...transferFields(server, now),
    ...(up ? [] : [['master_link_down_since_seconds', downSeconds(link.downSince, now)] satisfies InfoField]),
    ['slave_priority', values['replica-priority']],
    ['slave_read_only', values['replica-read-only'] ? 1 : 0],
    ['replica_announced', values['replica-announced'] ? 1 : 0],
  ];
}

/** How far the snapshot has come that is being received. */
function transferFields({ replicaRole }: RespiteServer, now: number): InfoField[] {
  const link = replicaRole.primary;
  const transfer = link?.transfer;
  if (link === undefined || transfer === undefined) return [];
  const { totalBytes, readBytes } = transfer;
  const percent = totalBytes === 0 ? 0 : (readBytes / totalBytes) * 100;
  return [
    ['master_sync_total_bytes', totalBytes],
    ['master_sync_read_bytes', readBytes],
    ['master_sync_left_bytes', totalBytes - readBytes],
    ['master_sync_perc', percent.toFixed(2)],
    ['master_sync_last_io_seconds_ago', seconds(now - link.lastIo)],
  ];
}

function downSeconds(since: number, now: number): number {
  return since === 0 ? -1 : seconds(now - since);
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}
