import { appendOnlyCommands } from '../commands/append-only.js';
import { bitmapCommands } from '../commands/bitmaps.js';
import { blockingListCommands } from '../commands/blocking-lists.js';
import { clientCommands } from '../commands/client.js';
import { clusterCommands } from '../commands/cluster.js';
import type { CommandSpec } from '../commands/command.js';
import { commandCommands } from '../commands/command-command.js';
import { configCommands } from '../commands/config-command.js';
import { connectionCommands } from '../commands/connection.js';
import { databaseCommands } from '../commands/databases.js';
import { debugCommands } from '../commands/debug.js';
import { dumpCommands } from '../commands/dump.js';
import { expireCommands } from '../commands/expire.js';
import { geoCommands } from '../commands/geo.js';
import { hashExpiryCommands } from '../commands/hash-expiry.js';
import { hashGetexCommands } from '../commands/hash-getex.js';
import { hashCommands } from '../commands/hashes.js';
import { hyperLogLogCommands } from '../commands/hyperloglog.js';
import { infoCommands } from '../commands/info.js';
import { keyCommands } from '../commands/keys.js';
import { latencyCommands } from '../commands/latency.js';
import { listCommands } from '../commands/lists.js';
import { memoryCommands } from '../commands/memory.js';
import { migrateCommand } from '../commands/migrate.js';
import { moduleCommands } from '../commands/module.js';
import { monitorCommands } from '../commands/monitor.js';
import { objectCommands } from '../commands/object.js';
import { persistenceCommands } from '../commands/persistence.js';
import { pubsubCommands } from '../commands/pubsub.js';
import { scanCommands } from '../commands/scan.js';
import { serverCommands } from '../commands/server.js';
import { setCommands } from '../commands/sets.js';
import { slowLogCommands } from '../commands/slowlog.js';
import { sortCommands } from '../commands/sort.js';
import { sortedSetCommands } from '../commands/sorted-sets.js';
import { streamClaimCommands } from '../commands/stream-claims.js';
import { streamDeletionCommands } from '../commands/stream-deletions.js';
import { streamGroupCommands } from '../commands/stream-groups.js';
import { streamInfoCommands } from '../commands/stream-info.js';
import { streamPendingCommands } from '../commands/stream-pending.js';
import { streamReadCommands } from '../commands/stream-reads.js';
import { streamCommands } from '../commands/streams.js';
import { stringCommands } from '../commands/strings.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { functionCommands } from '../dispatch/function-commands.js';
import { type ScriptRunner, scriptCommands } from '../dispatch/script-commands.js';
import { transactionCommands } from '../dispatch/transactions.js';
import { replicationCommands } from '../replication/commands.js';
import { replicaCommands } from '../replication/replica-commands.js';
import type { ReplicaRole } from '../replication/replica-role.js';
import type { Replication } from '../replication/replication.js';

/** What some commands need beside what `Call` gives them. Asked for when one of them runs. */
export interface CommandParts {
  dispatcher: () => Dispatcher;
  scriptRunner: () => ScriptRunner;
  replication: () => Replication;
  replicaRole: () => ReplicaRole;
}

/** The commands to which a call says all. */
const selfContained: CommandSpec[] = [
  ...connectionCommands,
  ...clientCommands,
  ...commandCommands,
  ...serverCommands,
  ...infoCommands,
  ...configCommands,
  ...pubsubCommands,
  ...debugCommands,
  ...slowLogCommands,
  ...latencyCommands,
  ...moduleCommands,
  ...clusterCommands,
  ...memoryCommands,
  ...monitorCommands,
  ...databaseCommands,
  ...persistenceCommands,
  ...keyCommands,
  ...expireCommands,
  ...dumpCommands,
  migrateCommand,
  ...appendOnlyCommands,
  ...scanCommands,
  ...objectCommands,
  ...stringCommands,
  ...bitmapCommands,
  ...hyperLogLogCommands,
  ...listCommands,
  ...blockingListCommands,
  ...sortCommands,
  ...hashCommands,
  ...hashExpiryCommands,
  ...hashGetexCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...geoCommands,
  ...streamCommands,
  ...streamReadCommands,
  ...streamGroupCommands,
  ...streamPendingCommands,
  ...streamClaimCommands,
  ...streamInfoCommands,
  ...streamDeletionCommands,
];

/** Every command; without parts only for reading. */
export function commandSpecs(parts: CommandParts = noParts): CommandSpec[] {
  return [
    ...selfContained,
    ...transactionCommands(parts.dispatcher),
    ...scriptCommands(parts.scriptRunner),
    ...functionCommands(parts.scriptRunner),
    ...replicationCommands(parts.replication),
    ...replicaCommands(parts.replicaRole),
  ];
}

const noParts: CommandParts = {
  dispatcher: unavailable,
  scriptRunner: unavailable,
  replication: unavailable,
  replicaRole: unavailable,
};

function unavailable(): never {
  throw new Error('these commands are for reading only');
}
