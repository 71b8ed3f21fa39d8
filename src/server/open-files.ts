import { readFileSync } from 'node:fs';
import type { Log } from '../commands/server-api.js';
import { type Config, ConfigError } from '../config/config.js';

/** Files that the server needs for other things than clients. */
const reservedFiles = 32;

/** How many files this process may have open, or undefined where the system does not say. */
function openFilesLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // not Linux
  }
}

/** At the start: lowers `maxclients` to what the system allows, and says so in the log. */
export function fitMaxClients(config: Config, log: Log): void {
  const { maxclients } = config.values;
  const limit = openFilesLimit();
  if (limit === undefined || maxclients + reservedFiles <= limit) return;
  const possible = Math.max(1, limit - reservedFiles);
  log.warning(
    `Current maximum open files is ${limit}. maxclients has been reduced to ${possible} to compensate for low ulimit. ` +
      "If you need higher maxclients increase 'ulimit -n'.",
  );
  config.assign({ maxclients: possible });
}

/** CONFIG SET maxclients. Throws ConfigError for more than the system allows. */
export function requireOpenFiles(maxclients: number): void {
  const limit = openFilesLimit();
  if (limit === undefined || maxclients + reservedFiles <= limit) return;
  throw new ConfigError(
    'The operating system is not able to handle the specified number of clients, try with ' +
      `${Math.max(1, limit - reservedFiles)}`,
  );
}
