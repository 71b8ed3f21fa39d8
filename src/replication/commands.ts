import { Bytes } from '../bytes/bytes.js';
import { readInt64AsNumber } from '../bytes/integers.js';
import type { Client } from '../clients/client.js';
import { longArgument } from '../commands/arguments.js';
import type { Call, CommandFlagName, CommandSpec } from '../commands/command.js';
import { millisecondsDeadlineArgument } from '../commands/timeouts.js';
import { CommandError, errors, excerpt } from '../protocol/errors.js';
import type { Replication, SyncRequest } from './replication.js';

const internal: CommandFlagName[] = ['admin', 'noscript', 'no_async_loading', 'no_multi'];

/** Commands between a server and its replicas. They are declared here because replication is above the commands. */
export function replicationCommands(replication: () => Replication): CommandSpec[] {
  return [
    {
      name: 'sync',
      group: 'server',
      since: '1.0.0',
      summary: 'Asks, as a replica, for a snapshot and then all changes.',
      complexity: '',
      syntax: '',
      flags: internal,
      handler: (call) => synchronize(call, replication(), undefined),
    },
    {
      name: 'psync',
      group: 'server',
      since: '2.8.0',
      summary: 'Asks, as a replica, for all changes from a point on, or for a snapshot and then all changes.',
      complexity: '',
      syntax: 'replicationid offset',
      arity: -3,
      flags: internal,
      handler: psync,
    },
    {
      name: 'replconf',
      group: 'server',
      since: '3.0.0',
      summary: 'Tells, as a replica, what it can do and how far it is.',
      complexity: 'O(1)',
      syntax: '',
      arity: -1,
      flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
      docFlags: ['syscmd'],
      handler: (call) => configure(call, replication()),
    },
    {
      name: 'role',
      group: 'server',
      since: '2.8.12',
      summary: 'Tells the part that the server plays in replication.',
      complexity: 'O(1)',
      syntax: '',
      flags: ['noscript', 'loading', 'stale', 'fast'],
      categories: ['admin', 'dangerous'],
      handler: (call) => role(call, replication()),
    },
    {
      name: 'wait',
      group: 'generic',
      since: '3.0.0',
      summary: 'Waits until replicas have applied what this connection wrote; tells how many have.',
      complexity: 'O(1)',
      syntax: 'numreplicas timeout',
      types: { timeout: 'integer' },
      flags: [],
      categories: ['connection', '-keyspace'],
      tips: [...fewestOfAll],
      handler: (call) => wait(call, replication()),
    },
    {
      name: 'waitaof',
      group: 'generic',
      since: '7.2.0',
      summary:
        'Waits until what this connection wrote is on the disk, here and with replicas; tells on how many it is.',
      complexity: 'O(1)',
      syntax: 'numlocal numreplicas timeout',
      types: { timeout: 'integer' },
      flags: ['noscript'],
      categories: ['connection', '-keyspace'],
      tips: [...fewestOfAll],
      handler: (call) => waitForDisks(call, replication()),
    },
  ];

  function psync(call: Call): void {
    const { args, argc } = call;
    const offset = offsetArgument(call);
    if (argc > 3 && args[3].is('failover')) replication().onFailover(call, args[1].latin1());
    synchronize(call, replication(), { id: args[1].latin1(), offset });
  }
}

const fewestOfAll = ['request_policy:all_shards', 'response_policy:agg_min'];

/** WAIT numreplicas timeout */
function wait(call: Call, replication: Replication): void {
  const { args, client } = call;
  refuseReplica(
    replication,
    'WAIT',
    'Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.',
  );
  const wanted = longArgument(args[1]);
  const deadline = millisecondsDeadlineArgument(call, args[2]);
  const offset = writtenBy(client, replication);
  replication.waits.wait(
    call,
    {
      answer: (reply) => reply.integer(replication.copiesAt(offset).applied),
      enough: () => replication.copiesAt(offset).applied >= wanted,
      refusal: () => undefined,
    },
    deadline,
  );
}

/** WAITAOF numlocal numreplicas timeout */
function waitForDisks(call: Call, replication: Replication): void {
  const { args, client, server } = call;
  refuseReplica(
    replication,
    'WAITAOF',
    'Please also note that writes to replicas are just local and are not propagated.',
  );
  const wantedHere = longArgument(args[1]);
  if (wantedHere < 0 || wantedHere > 1)
    throw new CommandError('ERR value is out of range, value must between 0 and 1');
  const wanted = longArgument(args[2]);
  if (wanted < 0) throw new CommandError(errors.notPositive);
  const deadline = millisecondsDeadlineArgument(call, args[3]);
  const { appendOnly } = server;
  const refusal = () => (wantedHere > 0 && !appendOnly.enabled ? noAppendOnlyFile : undefined);
  const refused = refusal();
  if (refused !== undefined) throw new CommandError(refused);
  const offset = writtenBy(client, replication);
  const { position } = appendOnly;
  const here = () => (appendOnly.enabled && appendOnly.durablePosition >= position ? 1 : 0);
  replication.waits.wait(
    call,
    {
      answer(reply) {
        reply.array(2);
        reply.integer(here());
        reply.integer(replication.copiesAt(offset).synced);
      },
      enough: () => here() >= wantedHere && replication.copiesAt(offset).synced >= wanted,
      refusal,
    },
    deadline,
  );
}

const noAppendOnlyFile = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

function refuseReplica({ role }: Replication, name: string, why: string): void {
  if (role !== 'master') throw new CommandError(`ERR ${name} cannot be used with replica instances. ${why}`);
}

/**
 * Where the stream was after the client's last change; never later than where it is: there may have been another
 * history.
 */
function writtenBy({ writeOffset }: Client, { log }: Replication): number {
  return Math.min(writeOffset, log.offset);
}

/** Where a replica wants to go on. Whoever looks after it sees in the log that it asks for nonsense. */
function offsetArgument({ args, client, server }: Call): number {
  const offset = readInt64AsNumber(args[2].buffer, args[2].start, args[2].end);
  if (!Number.isNaN(offset)) return offset;
  const { remoteAddress } = client.transport;
  server.log.warning(`Replica ${remoteAddress} asks for synchronization but with a wrong offset`);
  throw new CommandError(errors.notInteger);
}

/** The client becomes a replica. */
function synchronize({ client, reply }: Call, replication: Replication, request: SyncRequest): void {
  if (replication.replicaOf(client) !== undefined) return;
  const { primary } = replication;
  if (primary !== undefined && primary.state !== 'connected') {
    throw new CommandError("NOMASTERLINK Can't SYNC while not connected with my master");
  }
  if (reply.size > 0) throw new CommandError('ERR SYNC and PSYNC are invalid with pending output');
  replication.attach(client, request);
}

/** REPLCONF: pairs of an option and its value. */
function configure(call: Call, replication: Replication): void {
  const { args, argc, client, reply } = call;
  if (argc % 2 === 0) throw new CommandError(errors.syntax);
  for (let i = 1; i < argc; i += 2) {
    const [option, value] = [args[i], args[i + 1]];
    if (option.is('ack')) return acknowledge(call, replication, i);
    if (option.is('getack')) return; // a replica's link answers it
    setTrait(option, value, replication.traitsOf(client));
  }
  reply.ok();
}

type Traits = ReturnType<Replication['traitsOf']>;

function setTrait(option: Bytes, value: Bytes, traits: Traits): void {
  if (option.is('listening-port')) traits.listeningPort = longArgument(value);
  else if (option.is('ip-address')) traits.announcedAddress = address(value);
  else if (option.is('capa')) {
    // Others are for later versions.
    if (value.is('eof')) traits.knowsEndMark = true;
    else if (value.is('psync2')) traits.knowsNewIds = true;
  } else if (option.is('rdb-only')) traits.snapshotOnly = longArgument(value) === 1;
  else if (option.is('rdb-filter-only')) filter(value, traits);
  else throw new CommandError(`ERR Unrecognized REPLCONF option: ${excerpt(option)}`);
}

const longestAddress = 255;

function address(value: Bytes): string {
  if (value.length <= longestAddress) return value.latin1();
  throw new CommandError(
    `ERR REPLCONF ip-address provided by replica instance is too long: ${value.length} bytes`,
  );
}

/** Only this belongs into the snapshot. */
function filter(value: Bytes, traits: Traits): void {
  const words = value
    .latin1()
    .split(/\s+/)
    .filter((word) => word !== '');
  const unknown = words.find((word) => word.toLowerCase() !== 'functions');
  if (unknown !== undefined) {
    throw new CommandError(`ERR Unsupported rdb-filter-only option: ${excerpt(Bytes.of(unknown))}`);
  }
  traits.withoutData = true;
  traits.withoutFunctions = words.length === 0;
}

/** `REPLCONF ACK applied [FACK synced]`, which nobody answers. */
function acknowledge({ args, argc, client }: Call, replication: Replication, at: number): void {
  const replica = replication.replicaOf(client);
  if (replica === undefined) return;
  const applied = longArgument(args[at + 1]);
  const synced = argc > at + 3 && args[at + 2].is('fack') ? longArgument(args[at + 3]) : undefined;
  replication.acknowledge(replica, applied, synced);
}

function role({ reply }: Call, replication: Replication): void {
  const { primary, replicas, log } = replication;
  if (primary !== undefined) {
    reply.array(5);
    reply.text('slave');
    reply.text(primary.host);
    reply.integer(primary.port);
    reply.text(primary.state);
    return reply.integer(primary.state === 'connected' ? primary.offset : -1);
  }
  const online = replicas.filter(({ state }) => state === 'online');
  reply.array(3);
  reply.text('master');
  reply.integer(log.offset);
  reply.array(online.length);
  for (const { address, traits, acknowledged } of online) {
    reply.array(3);
    reply.text(address);
    reply.text(String(traits.listeningPort));
    reply.text(String(acknowledged));
  }
}
