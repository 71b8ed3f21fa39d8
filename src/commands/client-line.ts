import { type Client, Gate } from '../clients/client.js';
import { memoryBesideReplies, totalLength } from '../clients/client-memory.js';
import { chunkSize } from '../protocol/chunk-pool.js';
import type { Call } from './command.js';

/** The call that is being run, so far as it tells something about its own client. */
type Running = Pick<Call, 'client' | 'command' | 'args' | 'argc'>;

/** A connection as CLIENT LIST shows it: Redis 7.2's fields in their order, without line end. */
export function clientLine(client: Client, running: Running & Pick<Call, 'server'>): string {
  const { transport, reply, executing } = client;
  const transaction = executing ?? client.transaction;
  const now = running.server.clock.now();
  const own = client === running.client;
  const argumentBytes = own ? totalLength(running.args, running.argc) : blockedBytes(client);
  const unread = transport.queryBufferUsed + (own ? requestBytes(running) : 0);
  const unreadFree = Math.max(0, transport.queryBufferCapacity - transport.queryBufferUsed);
  const unsent = transport.unsentBytes;
  // While the socket is busy the whole output waits; else what has just been written, in chunks, the first of
  // which is free.
  const replies = unsent > 0 ? unsent + reply.size : Math.max(0, reply.size - reply.bufferSize);
  const stream = client.feed?.pendingBytes ?? 0;
  const waiting = replies + stream;
  const queued = transaction?.bytes ?? 0;
  const request = own ? argumentBytes + requestBytes(running) : 0;
  const total = memoryBesideReplies(client) + reply.held + request + stream;
  const fields: [string, string | number][] = [
    ['id', client.id],
    ['addr', transport.remoteAddress],
    ['laddr', transport.localAddress],
    ['fd', transport.fd],
    ['name', client.name],
    ['age', seconds(now - client.createdAt)],
    ['idle', seconds(now - client.lastInteraction)],
    ['flags', flagsOf(client, transaction !== undefined)],
    ['db', client.database.index],
    ['sub', client.subscriptions?.channel.size ?? 0],
    ['psub', client.subscriptions?.pattern.size ?? 0],
    ['ssub', client.subscriptions?.shard.size ?? 0],
    ['multi', transaction === undefined ? -1 : transaction.queue.length],
    ['qbuf', unread],
    ['qbuf-free', unreadFree],
    ['argv-mem', argumentBytes],
    ['multi-mem', queued],
    ['rbs', reply.bufferSize],
    ['rbp', reply.bufferPeak],
    ['obl', unsent > 0 ? 0 : Math.min(reply.size, reply.bufferSize)],
    ['oll', Math.ceil(waiting / chunkSize)],
    ['omem', waiting],
    ['tot-mem', total],
    ['events', unsent > 0 ? 'rw' : 'r'],
    ['cmd', executing !== undefined ? 'exec' : own ? running.command.fullName : client.lastCommand],
    ['user', client.user],
    ['redir', client.tracking?.redirect ?? -1],
    ['resp', reply.protocol],
    ['lib-name', client.libraryName],
    ['lib-ver', client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}

/** One letter for each thing that is special about a client; `N` if nothing is. */
function flagsOf(client: Client, inTransaction: boolean): string {
  const flags: [boolean, string][] = [
    [(client.gate & Gate.monitor) !== 0, 'O'],
    [(client.gate & Gate.replica) !== 0, 'S'],
    [(client.gate & Gate.primary) !== 0, 'M'],
    [(client.gate & Gate.subscriber) !== 0, 'P'],
    [inTransaction, 'x'],
    [client.blocked !== undefined && client.blocked.kind !== 'script', 'b'],
    [client.tracking !== undefined, 't'],
    [client.tracking?.redirectBroken === true, 'R'],
    [client.tracking?.mode === 'broadcast', 'B'],
    [client.watchBroken, 'd'],
    [client.closing, 'c'],
    [client.transport.unixPath !== undefined, 'U'],
    [client.noEvict, 'e'],
    [(client.gate & Gate.noTouch) !== 0, 'T'],
  ];
  return flags.map(([set, letter]) => (set ? letter : '')).join('') || 'N';
}

function blockedBytes({ blocked }: Client): number {
  return blocked === undefined ? 0 : totalLength(blocked.args, blocked.args.length);
}

/** Size of the request that is being run: until it is done it counts as lying in the query buffer. */
function requestBytes({ args, argc }: Running): number {
  let bytes = header(argc);
  for (let i = 0; i < argc; i++) bytes += header(args[i].length) + args[i].length + 2;
  return bytes;
}

/** `*<n>\r\n` or `$<n>\r\n` */
function header(n: number): number {
  return String(n).length + 3;
}
