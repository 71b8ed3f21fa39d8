import { directive } from '../directive.js';
import { INT_MAX, integer, LONG_MAX, memory, oneOf, text, yesNo } from '../kinds.js';
import { masterAddress } from '../special-kinds.js';

export const replication = {
  replicaof: directive(masterAddress, null, 'Server to copy; "no one" for none.', {
    alias: 'slaveof',
    immutable: true,
  }),
  masterauth: directive(text('<password>'), '', 'Password for the master.', { secret: true }),
  masteruser: directive(text('<name>'), '', 'User name for the master.', { secret: true }),
  'replica-serve-stale-data': directive(
    yesNo,
    true,
    'Answer from the present data while the link to the master is down.',
    { alias: 'slave-serve-stale-data' },
  ),
  'replica-read-only': directive(yesNo, true, 'Refuse writes while this server is a replica.', {
    alias: 'slave-read-only',
  }),
  'repl-diskless-sync': directive(yesNo, true, 'Send snapshots to replicas without a file.'),
  'repl-diskless-sync-delay': directive(
    integer(0, INT_MAX),
    5,
    'Seconds to wait for more replicas before sending.',
  ),
  'repl-diskless-sync-max-replicas': directive(
    integer(0, INT_MAX),
    0,
    'Replicas that end the wait early; 0 for no such number.',
  ),
  'repl-diskless-load': directive(
    oneOf(['disabled', 'on-empty-db', 'swapdb']),
    'disabled',
    'When a replica loads a snapshot from the socket: never, when it has no data, beside the present data.',
  ),
  'repl-ping-replica-period': directive(integer(1, INT_MAX), 10, 'Seconds between pings to replicas.', {
    alias: 'repl-ping-slave-period',
  }),
  'repl-timeout': directive(integer(1, INT_MAX), 60, 'Seconds of silence that end a replication link.'),
  'repl-disable-tcp-nodelay': directive(
    yesNo,
    false,
    'Send fewer and larger packets to replicas, at the price of delay.',
  ),
  'repl-backlog-size': directive(
    memory(1, LONG_MAX, 16 * 1024),
    1024 * 1024,
    'Bytes of recent writes kept for replicas that come back.',
  ),
  'repl-backlog-ttl': directive(
    integer(0, LONG_MAX),
    3600,
    'Seconds without replicas after which the backlog is dropped; 0 for never.',
  ),
  'replica-priority': directive(
    integer(0, INT_MAX),
    100,
    'Lower is promoted first by Sentinel; 0 is never promoted.',
    { alias: 'slave-priority' },
  ),
  'propagation-error-behavior': directive(
    oneOf(['ignore', 'panic', 'panic-on-replicas']),
    'ignore',
    'What to do when a command from the master or the append only file fails.',
  ),
  'replica-ignore-disk-write-errors': directive(
    yesNo,
    false,
    'Go on when a replica cannot write to its disk, instead of ending it.',
    { inert: 'A replica always goes on; its log and INFO tell of the failure.' },
  ),
  'replica-announced': directive(yesNo, true, 'Let Sentinel know of this replica.'),
  'min-replicas-to-write': directive(
    integer(0, INT_MAX),
    0,
    'Refuse writes with fewer replicas than this; 0 for no check.',
    { alias: 'min-slaves-to-write' },
  ),
  'min-replicas-max-lag': directive(
    integer(0, INT_MAX),
    10,
    'Seconds of lag up to which a replica counts; 0 for no check.',
    { alias: 'min-slaves-max-lag' },
  ),
  'replica-announce-ip': directive(
    text('<address>'),
    '',
    'Address under which the master shows this replica.',
    {
      alias: 'slave-announce-ip',
    },
  ),
  'replica-announce-port': directive(
    integer(0, 65535),
    0,
    'Port under which the master shows this replica; 0 for its real one.',
    { alias: 'slave-announce-port' },
  ),
  'replica-ignore-maxmemory': directive(yesNo, true, 'A replica evicts nothing by itself.', {
    alias: 'slave-ignore-maxmemory',
  }),
  'replica-lazy-flush': directive(
    yesNo,
    false,
    'Free the old data in slices when a replica loads a snapshot.',
    {
      alias: 'slave-lazy-flush',
      inert: 'Removing everything takes no longer for many keys than for few.',
    },
  ),
};
