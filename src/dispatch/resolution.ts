import type { Bytes } from '../bytes/bytes.js';
import type { Command } from '../commands/registry.js';
import { excerpt, wrongArity } from '../protocol/errors.js';

/** Why a request names no command that can be run: the error reply, and the command that it does name. */
export class Unresolved {
  constructor(
    readonly message: string,
    readonly command?: Command,
  ) {}
}

/** The command of a request that names `found`, which has subcommands, does not take so many arguments, or is none. */
export function resolve(found: Command | undefined, args: Bytes[], argc: number): Command | Unresolved {
  if (found === undefined) return new Unresolved(unknownCommand(args, argc));
  if (found.subcommands === undefined || (argc === 1 && found.handler !== undefined))
    return withArity(found, argc);
  if (argc < 2) return new Unresolved(wrongArity(found.fullName), found);
  const command = found.subcommand(args[1]);
  if (command !== undefined) return withArity(command, argc);
  const shown = excerpt(args[1]);
  const help = `${found.spec.name.toUpperCase()} HELP`;
  return new Unresolved(`ERR unknown subcommand '${shown}'. Try ${help}.`);
}

/** True of words with which requests of web browsers begin, as opposed to commands. */
export function isOfHttp(name: Bytes): boolean {
  return name.is('post') || name.is('host:');
}

function withArity(command: Command, argc: number): Command | Unresolved {
  return command.accepts(argc) ? command : new Unresolved(wrongArity(command.fullName), command);
}

/** Names what was sent and the beginning of the arguments, at most 128 characters of each. */
function unknownCommand(args: Bytes[], argc: number): string {
  let shown = '';
  for (let i = 1; i < argc && shown.length < 128; i++) {
    shown += `'${excerpt(args[i], 128 - shown.length)}' `;
  }
  return `ERR unknown command '${excerpt(args[0])}', with args beginning with: ${shown}`;
}
