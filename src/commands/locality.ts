import type { Client } from '../clients/client.js';
import { CommandError } from '../protocol/errors.js';
import type { Call } from './command.js';

/** True if the client is on this machine: connected over loopback or a unix socket. */
export function isLocal(client: Client): boolean {
  const { remoteAddress, unixPath } = client.transport;
  return unixPath !== undefined || isLoopback(remoteAddress);
}

/** True of an IP address, with a port or without, of this machine alone. */
export function isLoopback(address: string): boolean {
  return /^\[?(127\.|::1(?![\w:.])|::ffff:127\.)/.test(address);
}

/** Throws CommandError unless `enable-debug-command` or `enable-module-command` admits the client. */
export function requireEnabled({ server, client }: Call, command: 'debug' | 'module'): void {
  const allowed = server.config.values[`enable-${command}-command`];
  if (allowed === 'yes' || (allowed === 'local' && isLocal(client))) return;
  throw new CommandError(
    `ERR ${command.toUpperCase()} command not allowed. If the enable-${command}-command option is set to "local", you can ` +
      'run it from a local connection, otherwise you need to set this option in the configuration file, and then restart ' +
      'the server.',
  );
}
