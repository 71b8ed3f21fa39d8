import { constants } from 'node:buffer';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { ArenaFullError } from '../memory/arena.js';
import { CommandError } from '../protocol/errors.js';

/** What a client is answered when the handler of its command throws. A defect of the server goes to the log. */
export function errorReply(server: ServerApi, command: Command, error: unknown): string {
  if (error instanceof CommandError) return error.message;
  if (error instanceof ArenaFullError || isAllocationFailure(error)) {
    return 'OOM the server could not get the memory that the command needs';
  }
  if (isTooLongForText(error)) return `ERR a name is longer than ${constants.MAX_STRING_LENGTH} bytes`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  server.log.warning(`Internal error in '${command.fullName}': ${text}`);
  return `ERR internal error in '${command.fullName}', see the server's log`;
}

/** The engine's ways of saying that there is no more memory, or not so much in one piece. */
function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /allocation|Invalid typed array length/.test(error.message);
}

/**
 * Strings of the engine are shorter than `proto-max-bulk-len` lets arguments be, and some commands make one of a
 * name.
 */
function isTooLongForText(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STRING_TOO_LONG';
}
