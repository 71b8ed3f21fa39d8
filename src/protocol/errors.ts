import type { Bytes } from '../bytes/bytes.js';
/**
 * A client did something wrong. The message is the reply, code first, without the dash. Handlers throw it
 * before they write or change anything.
 */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.stack = '';
  }
}

/**
 * Error texts that more than one place needs. They are part of the contract with clients, letter by letter.
 */
export const errors = {
  syntax: 'ERR syntax error',
  notInteger: 'ERR value is not an integer or out of range',
  notFloat: 'ERR value is not a valid float',
  wrongType: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  noSuchKey: 'ERR no such key',
  brokenDump: 'ERR DUMP payload version or checksum are wrong',
  outOfRange: 'ERR index out of range',
  overflow: 'ERR increment or decrement would overflow',
  nanOrInfinity: 'ERR increment would produce NaN or Infinity',
  stringTooLong: 'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  offsetOutOfRange: 'ERR offset is out of range',
  notPositive: 'ERR value is out of range, must be positive',
  sameObject: 'ERR source and destination objects are the same',
  databaseOutOfRange: 'ERR DB index is out of range',
  outOfMemory: "OOM command not allowed when used memory > 'maxmemory'.",
  readOnlyReplica: "READONLY You can't write against a read only replica.",
  staleReplica: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  tooFewReplicas: 'NOREPLICAS Not enough good replicas to write.',
  appendOnlyFailing: (reason: string) => `MISCONF Errors writing to the AOF file: ${reason}`,
  cannotSave:
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that " +
    'may modify the data set are disabled, because this instance is configured to report errors during writes if RDB ' +
    'snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.',
  noAuth: 'NOAUTH Authentication required.',
  execWithoutMulti: 'ERR EXEC without MULTI',
  monitorAndKeys: "ERR Replica can't interact with the keyspace",
  execAborted: 'EXECABORT Transaction discarded because of previous errors.',
  wrongPassword: 'WRONGPASS invalid username-password pair or user is disabled.',
  loading: 'LOADING Redis is loading the dataset in memory',
  timeoutNotFloat: 'ERR timeout is not a float or out of range',
  timeoutNegative: 'ERR timeout is negative',
  timeoutOutOfRange: 'ERR timeout is out of range',
  timeoutNotInteger: 'ERR timeout is not an integer or out of range',
  countNotPositive: 'ERR count should be greater than 0',
  numkeysNotPositive: 'ERR numkeys should be greater than 0',
  limitNegative: "ERR LIMIT can't be negative",
  countBelowOne: 'ERR COUNT must be > 0',
  tooManyKeys: "ERR Number of keys can't be greater than number of args",
  minMax: 'ERR min or max is not a float',
} as const;

/**
 * The command was called with a number of arguments it does not take. `name` is its full name, lower case.
 */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** A container's answer to a subcommand that it does not have, or not with so many arguments. `name` as it was sent. */
export function wrongSubcommand(container: string, name: Bytes): CommandError {
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${excerpt(name)}'. Try ${container} HELP.`,
  );
}

/** A RESP2 subscriber sent something else than it may. `name` is the command's full name, lower case. */
export function onlyForSubscribers(name: string): string {
  return `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
}

/** A script takes long, and the command cannot wait until it is done. */
export function busyError(kind: 'script' | 'function' | undefined): string {
  const killer = kind === 'function' ? 'FUNCTION' : 'SCRIPT';
  return `BUSY Redis is busy running a script. You can only call ${killer} KILL or SHUTDOWN NOSAVE.`;
}

/** An expire time that cannot be represented or is not positive. */
export function invalidExpire(name: string): string {
  return `ERR invalid expire time in '${name}' command`;
}

/** Shows at most `most` bytes of what a client sent, each as a character. It may be larger than a string can be. */
export function excerpt({ buffer, start, end }: Bytes, most = 128): string {
  return buffer.toString('latin1', start, Math.min(end, start + most));
}
