import type { Bytes } from '../bytes/bytes.js';

/** What a running script can do to the server: an interface of the engine's own, implemented where commands are run. */
export interface ScriptHost<Command = unknown> {
  /** The command of a name, undefined if there is none. The same name always means the same. */
  find(name: Bytes): Command | undefined;
  /**
   * Runs a command that `find` found. What goes wrong with it is an error in the reply. The reply is valid until the
   * next call, the arguments only have to be until it returns.
   */
  call(command: Command | undefined, args: Bytes[], argc: number): Bytes;
  /** About the time in µs that commands took since somebody set this to 0; those that may be slow count for more. */
  effort: number;
  /** The protocol in which replies come from now on, until the script ends. */
  setProtocol(version: 2 | 3): void;
  /** True if the caller may run such a command; undefined if there is none. */
  permits(args: Bytes[]): boolean | undefined;
  /** Where the changes of the commands go that follow: bits of `ReplicationTarget`. */
  setPropagation(targets: number): void;
  /** Writes a line of text to the server's log. */
  log(level: ScriptLogLevel, text: string): void;
}

export const logLevels = ['debug', 'verbose', 'notice', 'warning'] as const;
export type ScriptLogLevel = (typeof logLevels)[number];

/** redis.REPL_*: where changes go. */
export const ReplicationTarget = { none: 0, appendOnlyFile: 1, replica: 2, all: 3 } as const;
