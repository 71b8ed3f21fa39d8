/**
 * Bytes that parts of the server have in memory outside the keyspace and its clients. Each part keeps its own number
 * true; reading them all costs an addition each, so that it can be done before every command.
 */
export class MemoryParts {
  /** How much `aofBuffer` is: set by the one who has it. */
  measureAofBuffer: () => number = () => 0;
  /** How much `tracking` is: set by the one who has it. */
  measureTracking: () => number = () => 0;
  /** The history of changes that replicas can go on from. */
  replicationBacklog = 0;
  /** What waits to be sent to replicas, beyond the backlog. Not compared with `maxmemory` either. */
  replicaBuffers = 0;
  /** What keeping the scripts of EVAL takes, and the functions. Their engines are counted apart, as in Redis. */
  scripts = 0;
  functions = 0;

  /** What waits to be written to the append-only file. Not compared with `maxmemory`, for evicting would add to it. */
  get aofBuffer(): number {
    return this.measureAofBuffer();
  }

  /** What is remembered of the keys that clients keep copies of. */
  get tracking(): number {
    return this.measureTracking();
  }

  /** All of them. */
  get total(): number {
    return (
      this.aofBuffer +
      this.tracking +
      this.replicationBacklog +
      this.replicaBuffers +
      this.scripts +
      this.functions
    );
  }

  /** What must not make keys go: it grows when keys are evicted. */
  get notCountedForEviction(): number {
    return this.aofBuffer + this.replicaBuffers;
  }
}
