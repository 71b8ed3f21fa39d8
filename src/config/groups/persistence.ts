import { directive } from '../directive.js';
import { ConfigError } from '../errors.js';
import { INT_MAX, integer, LONG_MAX, memory, oneOf, text, yesNo } from '../kinds.js';
import { directory, savePoints } from '../special-kinds.js';

/** Checks that a value is the name of something inside `dir`. */
function plainName(directiveName: string, what: string, mayBeEmpty = false): (value: string) => void {
  return (value) => {
    if (value === '' && !mayBeEmpty) throw new ConfigError(`${directiveName} can't be empty`);
    if (/[/\\]/.test(value)) throw new ConfigError(`${directiveName} can't be a path, just a ${what}`);
  };
}

export const snapshotting = {
  save: directive(
    savePoints,
    [
      { seconds: 3600, changes: 1 },
      { seconds: 300, changes: 100 },
      { seconds: 60, changes: 10000 },
    ],
    'Save when so many seconds have passed and so many changes were made; "" for never.',
  ),
  'stop-writes-on-bgsave-error': directive(yesNo, true, 'Refuse writes while the last save has failed.'),
  rdbcompression: directive(yesNo, true, 'Compress long strings in snapshots.'),
  rdbchecksum: directive(yesNo, true, 'Write and check a checksum at the end of snapshots.', {
    immutable: true,
  }),
  'rdb-version': directive(
    oneOf(['10', '11', '12']),
    '11',
    'Respite only. Format of the snapshots written, in files and for replicas: 10 for Redis 7.0, 11 for 7.2, 12 for 7.4.',
  ),
  'sanitize-dump-payload': directive(
    oneOf(['no', 'yes', 'clients']),
    'no',
    'Refuse small sets and hashes that have a member or field twice: never, always, only from clients. All else that snapshots and RESTORE bring is always checked.',
  ),
  dbfilename: directive(
    text('<name>', plainName('dbfilename', 'filename', true)),
    'dump.rdb',
    'Name of the snapshot in dir.',
    { protected: true },
  ),
  'rdb-del-sync-files': directive(
    yesNo,
    false,
    'Remove snapshots that were made for replication when nothing else needs them.',
    { inert: 'Snapshots for replicas go through files of their own, which are always removed.' },
  ),
  dir: directive(directory, './', 'Directory of all files of the data set; by default the current one.', {
    protected: true,
    notWhileLoading: true,
  }),
  'rdb-save-incremental-fsync': directive(yesNo, true, 'Hand a snapshot to the disk while it is written.'),
  'rdb-key-save-delay': directive(
    integer(-INT_MAX - 1, INT_MAX),
    0,
    'For tests: microseconds to wait after each key saved; negative: keys to save per microsecond.',
    { hidden: true },
  ),
  'key-load-delay': directive(
    integer(-INT_MAX - 1, INT_MAX),
    0,
    'For tests: microseconds to wait after each key loaded; negative: keys to load per microsecond.',
    { hidden: true },
  ),
  'loading-process-events-interval-bytes': directive(
    integer(1024, INT_MAX),
    2_097_152,
    'Bytes to load before clients get a turn.',
    { hidden: true },
  ),
};

export const appendOnly = {
  appendonly: directive(yesNo, false, 'Log every write, so that nothing is lost between snapshots.', {
    notWhileLoading: true,
  }),
  appendfilename: directive(
    text('<name>', plainName('appendfilename', 'filename')),
    'appendonly.aof',
    'Beginning of the names of the append only files.',
    { immutable: true },
  ),
  appenddirname: directive(
    text('<name>', plainName('appenddirname', 'dirname')),
    'appendonlydir',
    'Directory of the append only files, inside dir.',
    { immutable: true },
  ),
  appendfsync: directive(
    oneOf(['everysec', 'always', 'no']),
    'everysec',
    'When writes are forced to the disk: once a second, before each reply, when the system likes.',
  ),
  'no-appendfsync-on-rewrite': directive(yesNo, false, 'Do not force writes to the disk during a rewrite.'),
  'auto-aof-rewrite-percentage': directive(
    integer(0, INT_MAX),
    100,
    'Growth since the last rewrite, in percent, that starts another; 0 for never.',
  ),
  'auto-aof-rewrite-min-size': directive(
    memory(0, LONG_MAX),
    64 * 1024 * 1024,
    'Size below which a rewrite is not started by itself.',
  ),
  'aof-load-truncated': directive(
    yesNo,
    true,
    'Load a file that ends in the middle of a command, up to there, instead of refusing to start.',
  ),
  'aof-use-rdb-preamble': directive(yesNo, true, 'Begin a rewritten file with a snapshot.'),
  'aof-timestamp-enabled': directive(yesNo, false, 'Write times into the file, to restore a point in time.'),
  'aof-rewrite-incremental-fsync': directive(
    yesNo,
    true,
    'Hand a rewritten file to the disk while it is written.',
  ),
  'aof-disable-auto-gc': directive(yesNo, false, 'Keep the files that a rewrite has made superfluous.', {
    hidden: true,
  }),
};
