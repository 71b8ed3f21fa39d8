import type { Bytes } from '../bytes/bytes.js';
import { CommandError } from '../protocol/errors.js';

/**
 * A name that can stand in a line of CLIENT LIST: printable ASCII without blanks, or nothing. Throws
 * CommandError that begins with `what`.
 */
export function printableName(name: Bytes, what: string): string {
  for (let i = name.start; i < name.end; i++) {
    if (name.buffer[i] < 0x21 || name.buffer[i] > 0x7e) {
      throw new CommandError(`ERR ${what} cannot contain spaces, newlines or special characters.`);
    }
  }
  return name.latin1();
}
