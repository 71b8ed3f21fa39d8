import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Call } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { Database } from '../keyspace/database.js';

/** Goes on with a command that stopped in its middle: writes its reply, or stops again. */
export type Continuation = (call: Call) => void;

/** A command that stopped in its middle, and what is to be known to end it as any other. */
export interface SuspendedCommand {
  client: Client;
  command: Command;
  /** Copies. */
  args: Bytes[];
  argc: number;
  database: Database;
  /** Count of changes before it began. */
  dirtyBefore: number;
  /** Errors that its client had been sent before it began. */
  errorsBefore: number;
  /** Time that it has run so far. */
  microseconds: number;
  continue: Continuation;
}
