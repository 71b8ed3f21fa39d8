import { Bytes } from '../bytes/bytes.js';
import { type Propagation, type PropagationSink, PropagationTarget } from '../dispatch/propagation.js';
import { noDatabase, SelectingEncoder } from '../protocol/selecting-encoder.js';
import type { ReplicationLog } from './replication-log.js';

/** Turns what the commands of this server change into the replication stream. */
export class ReplicationFeed implements PropagationSink {
  readonly target = PropagationTarget.replicas;
  private readonly encoder = new SelectingEncoder();

  constructor(
    private readonly log: ReplicationLog,
    private readonly propagation: Propagation,
    /** Called when the log has grown. */
    private readonly onGrown: () => void,
  ) {}

  /** The database that the stream has selected, or `noDatabase`. */
  get database(): number {
    return this.encoder.database;
  }

  /** Whoever follows from here on has selected none. */
  forgetDatabase(): void {
    this.encoder.database = noDatabase;
  }

  /** Adds a command that concerns no database. */
  command(...words: string[]): void {
    this.encoder.append(words.map(Bytes.of), words.length);
    this.moveToLog();
  }

  /** Hot while there are replicas. */
  propagate(database: number, args: readonly Bytes[], argc: number): void {
    this.encoder.appendFor(database, args, argc);
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
