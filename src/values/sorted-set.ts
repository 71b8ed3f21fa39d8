import type { Bytes } from '../bytes/bytes.js';

/**
 * Called for a member and its score. The view is valid until the set changes, and is used again for the next
 * member.
 */
export type VisitMember = (member: Bytes, score: number) => void;

/**
 * Where members go that are wanted without their scores, such as a reply: [start, end) of a buffer, valid during the
 * call.
 */
export interface MemberSink {
  bulk(buffer: Buffer, start: number, end: number): void;
}

/**
 * Members with scores, ordered by score and then by the members' bytes. Ranks count from 0, the lowest score
 * first. What a command wants of a sorted set, whichever encoding it has.
 *
 * A member is first looked up with `find`; the operations named `found` act on what it found, until the set
 * changes. No score is NaN, so that NaN can say "not a member".
 */
export interface SortedSet {
  readonly size: number;
  /** The member's score, or NaN if it is not in the set. */
  find(member: Bytes): number;
  /** The rank of the found member. */
  rankOfFound(): number;
  /** Gives the found member another score. */
  changeFound(score: number): void;
  removeFound(): void;
  /** Adds a member that `find` has just not found. */
  add(member: Bytes, score: number): void;
  /** Removes the members of rank `from` up to, not including, `to`. */
  removeRanks(from: number, to: number): void;
  /** How many members have a score below this one, or, with `inclusive`, at most this one. */
  countBelow(score: number, inclusive: boolean): number;
  /**
   * How many members come before these bytes, or, with `inclusive`, are at most these bytes. Has a meaning
   * only where all scores are equal.
   */
  countBelowMember(member: Bytes, inclusive: boolean): number;
  /** Visits the members of rank `from` up to, not including, `to`; the last first if `backwards`. */
  visitRanks(from: number, to: number, backwards: boolean, visit: VisitMember): void;
  /** As `visitRanks`, without the scores. Hot. */
  sendRanks(from: number, to: number, backwards: boolean, sink: MemberSink): void;
  /** Points `into` at the member of a rank, which must be there, and returns its score. Valid until the set changes. */
  at(rank: number, into: Bytes): number;
  /**
   * Visits some members, in no order, and returns the cursor for the next call: 0 at the start, and 0 again
   * at the end. A member that is there from the first call to the last is visited at least once.
   */
  scan(cursor: number, visit: VisitMember): number;
}
