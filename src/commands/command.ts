import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Database } from '../keyspace/database.js';
import type { ValueType } from '../keyspace/events.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { FoundKey } from './keys-of.js';
import type { Command } from './registry.js';
import type { ServerApi } from './server-api.js';
import type { ArgumentTypes } from './syntax.js';

export type CommandGroup =
  | 'bitmap'
  | 'cluster'
  | 'connection'
  | 'generic'
  | 'geo'
  | 'hash'
  | 'hyperloglog'
  | 'list'
  | 'pubsub'
  | 'scripting'
  | 'server'
  | 'set'
  | 'sorted-set'
  | 'stream'
  | 'string'
  | 'transactions';

/**
 * What the dispatcher must know of a command. A bit each; names as COMMAND INFO shows them, with `-` for `_`.
 */
export const CommandFlag = {
  write: 1 << 0,
  readonly: 1 << 1,
  denyoom: 1 << 2,
  admin: 1 << 3,
  pubsub: 1 << 4,
  noscript: 1 << 5,
  blocking: 1 << 6,
  loading: 1 << 7,
  stale: 1 << 8,
  skip_monitor: 1 << 9,
  skip_slowlog: 1 << 10,
  asking: 1 << 11,
  fast: 1 << 12,
  no_auth: 1 << 13,
  may_replicate: 1 << 14,
  no_async_loading: 1 << 15,
  no_multi: 1 << 16,
  no_mandatory_keys: 1 << 17,
  allow_busy: 1 << 18,
  /** Follows from the key specs; declarations need not say it. */
  movablekeys: 1 << 19,
} as const;

export type CommandFlagName = keyof typeof CommandFlag;

/**
 * Where a command's keys stand and what happens to them. `flags` in the words of COMMAND INFO, such as
 * 'RO access' or 'OW update'. Exactly one way to begin and one way to find the rest.
 */
export interface KeySpec {
  flags: string;
  /**
   * First key at this argument (the command's name is 0), or after a word that is looked for from an argument
   * on ...
   */
  begin: number | { keyword: string; startFrom: number } | 'unknown';
  /**
   * ... last key, relative to the first (-1: last argument, -2: last but one), with a step, and with `limit`
   * n only the first n-th part of the rest; or a count of keys at `keyCountAt` from there, and the first key
   * at `firstKey`.
   */
  find:
    | { last: number; step: number; limit?: number }
    | { keyCountAt: number; firstKey: number; step: number }
    | 'unknown';
  notes?: string;
}

/** Key spec of a command whose only key is its first argument. */
export function oneKey(flags: string): KeySpec[] {
  return [{ flags, begin: 1, find: { last: 0, step: 1 } }];
}

/** Key spec of a command whose arguments from the first on are keys, `step` apart. */
export function manyKeys(flags: string, step = 1): KeySpec[] {
  return [{ flags, begin: 1, find: { last: -1, step } }];
}

/**
 * A command, declared once. Arity, COMMAND and its subcommands, ACL categories and the documentation are
 * derived from it.
 */
export interface CommandSpec {
  /** Lower case; of a subcommand only its own word. */
  name: string;
  group: CommandGroup;
  since: string;
  summary: string;
  complexity: string;
  /**
   * Takes about constant time as it is usually called, so that its duration need not be measured by itself. If it is
   * not declared: whether `complexity` is just O(1) or O(log(N)).
   */
  brief?: boolean;
  /** Arguments in redis-cli's notation, see syntax.ts; '' for none. */
  syntax: string;
  flags: CommandFlagName[];
  /** Types of arguments whose names usually mean another one. */
  types?: ArgumentTypes;
  /**
   * ACL categories beyond those that follow from group and flags; one that does not apply with a dash:
   * `-keyspace`.
   */
  categories?: string[];
  keys?: KeySpec[];
  /** Finds the keys where the specs cannot tell, or cannot tell how they are used. */
  findKeys?: (args: Bytes[], argc: number) => FoundKey[];
  /** Bits of CommandFlag in place of the declared ones, where the arguments tell more: a script says what it does. */
  flagsFor?: (server: ServerApi, args: Bytes[], argc: number) => number;
  /** Positions of arguments that logs and MONITOR must not show. */
  secrets?: (args: Bytes[], argc: number) => number[];
  /** Facts for clusters and proxies, as COMMAND INFO shows them (`nondeterministic_output` ...). */
  tips?: string[];
  /** [version, what changed], oldest first. */
  history?: [string, string][];
  deprecated?: { since: string; replacedBy: string };
  /** Facts for COMMAND DOCS beside `deprecated`, such as `syscmd`. */
  docFlags?: string[];
  subcommands?: CommandSpec[];
  /**
   * Meets keys that nobody named. What expires under way is propagated key by key then, not as one transaction, which
   * might be long.
   */
  touchesArbitraryKeys?: boolean;
  /** Absent for a container that only has subcommands. */
  handler?: Handler;
  /** Overrides the arity derived from `syntax`, where Redis's own differs. */
  arity?: number;
}

/**
 * Runs a command: parse, look up, check the type, change, reply, mark changed, in this order, so that an
 * error leaves everything as it was. Throws CommandError for what the client did wrong.
 */
export type Handler = (call: Call) => void;

/** A part of a command that is propagated; text is latin1. */
export type PropagatedArgument = Bytes | string | number;

/** What a command may want otherwise when it blocks. */
export interface BlockOptions {
  /** A key is ready too when it is gone or holds a value of another type: the command answers with an error then. */
  evenWhenGone?: boolean;
  /** The arguments with which the command is run again, in place of those it has. */
  args?: Bytes[];
}

/** One execution of a command. The object is reused: handlers keep nothing of it. */
export interface Call {
  readonly server: ServerApi;
  client: Client;
  database: Database;
  command: Command;
  /** The command's name and its arguments; only the first `argc` are valid, until the handler returns. */
  args: Bytes[];
  argc: number;
  reply: ReplyWriter;
  /** Inside EXEC or a script: must not block. */
  denyBlocking: boolean;
  /**
   * True while a blocked client's command is tried again because one of its keys is ready, or is noted down because
   * the client was answered in its place: it was shown when it began to wait.
   */
  retried: boolean;
  /** It is part of a script. */
  fromScript: boolean;
  /** Unix time in ms, with a fraction. It stands still while a script runs. */
  unixTime(): number;
  /**
   * Blocks the client until one of the keys is ready (then the command is run again) or the deadline passes.
   * The handler must have written nothing, and returns after it. With a `type`, a key that holds a value of
   * another type is not ready.
   */
  block(
    keys: Bytes[],
    deadline: number,
    onTimeout: (reply: ReplyWriter) => void,
    type?: ValueType,
    how?: BlockOptions,
  ): void;
  /**
   * Lets the client wait for something outside of the server, while others go on; then the command is run again, with
   * `outcome` set. It is run even if its client is gone by then; if it writes, not in the middle of a script, nor
   * during a pause or a load. The handler must have written nothing, and returns after it. Not where `denyBlocking` is
   * set.
   */
  waitFor(pending: Promise<unknown>): void;
  /** What `waitFor` waited for; an Error if that rejected. Undefined in the first run. */
  outcome: unknown;
  /**
   * Somebody repeats what commands change (an append-only file, replicas), so that it pays to work out what to tell
   * them.
   */
  readonly propagates: boolean;
  /**
   * Says what is propagated in place of this command as it came: these commands, name first, in its database; none if
   * called without any. A command that says nothing is propagated as it came if it changed something
   * (`keyspace.dirty`). Needed where repeating it later, or without its client, would not do the same: times relative
   * to now, random choices, what was waited for. The arguments are copied.
   */
  propagateAs(...commands: (readonly PropagatedArgument[])[]): void;
  /** As `propagateAs`, for any number of commands: arguments in JavaScript are limited. */
  propagateAllAs(commands: readonly (readonly PropagatedArgument[])[]): void;
  /** This command is for replicas too, as it came, although it changes nothing: a message to whoever listens there. */
  propagateToReplicas(): void;
}
