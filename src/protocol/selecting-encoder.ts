import { Bytes } from '../bytes/bytes.js';
import { RequestEncoder } from './request-encoder.js';

/** The database of a command that concerns none: MULTI, EXEC. */
export const noDatabase = -1;

const select = Bytes.of('SELECT');

/** Gathers commands for several databases: SELECT goes before each that is for another one than the command before. */
export class SelectingEncoder extends RequestEncoder {
  /** What is selected after what was gathered; `noDatabase` if the next command has to select its own. */
  database = noDatabase;

  /** Hot. `database` may be `noDatabase`. */
  appendFor(database: number, args: readonly Bytes[], argc: number): void {
    if (database !== noDatabase && database !== this.database) {
      this.database = database;
      this.append([select, Bytes.of(String(database))], 2);
    }
    this.append(args, argc);
  }
}
