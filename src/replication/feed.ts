import { Bytes } from '../bytes/bytes.js';
import {
  noDatabase,
  type Propagation,
  type PropagationSink,
  PropagationTarget,
} from '../dispatch/propagation.js';
import { RequestEncoder } from '../protocol/request-encoder.js';
import type { ReplicationLog } from './replication-log.js';

const select = Bytes.of('SELECT');

/** Turns what the commands of this server change into the replication stream. */
export class ReplicationFeed implements PropagationSink {
  readonly target = PropagationTarget.replicas;
  /** The database that the stream has selected; -1 if the next command has to select one. */
  database = noDatabase;
  private readonly encoder = new RequestEncoder();

  constructor(
    private readonly log: ReplicationLog,
    private readonly propagation: Propagation,
    /** Called when the log has grown. */
    private readonly onGrown: () => void,
  ) {}

  /** Adds a command that concerns no database. */
  command(...words: string[]): void {
    this.encoder.append(words.map(Bytes.of), words.length);
    this.moveToLog();
  }

  /** Hot while there are replicas. */
  propagate(database: number, args: readonly Bytes[], argc: number): void {
    const { encoder } = this;
    if (database >= 0 && database !== this.database) {
      this.database = database;
      encoder.append([select, Bytes.of(String(database))], 2);
    }
    encoder.append(args, argc);
    this.moveToLog();
    const { client } = this.propagation;
    if (client !== undefined) client.writeOffset = this.log.offset;
  }

  private moveToLog(): void {
    const { encoder, log } = this;
    log.append(encoder.bytes);
    encoder.drop(encoder.length);
    this.onGrown();
  }
}
