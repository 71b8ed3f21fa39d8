import { Backlog } from './backlog.js';

/** In place of an id where there is none. */
export const noReplicationId = '0'.repeat(40);

/**
 * The history of changes that this server has in common with its replicas, or with its primary: its name, how long it
 * is, and its last part. Two servers of the same id and offset have the same data.
 */
export class ReplicationLog {
  /** 40 hexadecimal digits. */
  id: string;
  /** The history that this one went on from, up to `secondOffset`: that of a former primary. */
  secondId = noReplicationId;
  /** Number of the first byte that the two do not have in common; -1 if there is no second id. */
  secondOffset = -1;
  /** Bytes so far. Counted only while there is a backlog. */
  offset = 0;
  /** Absent until the first replica comes, and again after a long time without any. */
  backlog: Backlog | undefined;

  constructor(
    private readonly newId: () => string,
    private readonly options: {
      /** `repl-backlog-size`. */
      backlogSize: () => number;
      /** See `Backlog`. */
      neededFrom: () => number;
    },
  ) {
    this.id = newId();
  }

  /** Begins to keep what is appended. What was kept before is dropped. */
  createBacklog(): Backlog {
    const { backlogSize, neededFrom } = this.options;
    this.backlog = new Backlog(backlogSize(), this.offset, neededFrom);
    return this.backlog;
  }

  dropBacklog(): void {
    this.backlog = undefined;
  }

  /** Hot while there are replicas. */
  append(bytes: Buffer, start = 0, end = bytes.length): void {
    this.offset += end - start;
    this.backlog?.append(bytes, start, end);
  }

  /**
   * True if somebody who has a history up to before byte number `offset` (the first is 1) can be sent what follows,
   * instead of everything.
   */
  canContinue(id: string, offset: number): boolean {
    const { backlog } = this;
    return (
      this.knows(id, offset) && backlog !== undefined && offset > backlog.start && offset <= backlog.end + 1
    );
  }

  /** True if that is a part of this history, whether it is still kept or not. */
  knows(id: string, offset: number): boolean {
    return id === this.id || (id === this.secondId && offset <= this.secondOffset);
  }

  /** A history of its own begins, of which nobody has anything. */
  renew(): void {
    this.id = this.newId();
    this.forgetSecond();
  }

  /** A history of its own begins where that of a former primary ends: whoever followed that one can follow this one. */
  shift(): void {
    this.rename(this.newId());
  }

  /** The same history goes on under another id. */
  rename(id: string): void {
    this.secondId = this.id;
    this.secondOffset = this.offset + 1;
    this.id = id;
  }

  /** Takes over the history of a primary, whose data are loaded. Nothing of it is kept. */
  adopt(id: string, offset: number): void {
    this.id = id;
    this.offset = offset;
    this.forgetSecond();
    if (this.backlog !== undefined) this.createBacklog();
  }

  private forgetSecond(): void {
    this.secondId = noReplicationId;
    this.secondOffset = -1;
  }
}
