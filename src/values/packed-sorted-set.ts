import { Bytes, compareBytes } from '../bytes/bytes.js';
import { MAX_DOUBLE_LENGTH, parseDouble, writeDouble } from '../bytes/doubles.js';
import { Listpack, type ListpackPosition } from '../memory/listpack.js';
import type { PackedBytes } from '../memory/packed-bytes.js';
import type { MemberSink, SortedSet, VisitMember } from './sorted-set.js';

// One score is written, and one member or score read, at a time.
const scoreText = new Bytes(Buffer.alloc(MAX_DOUBLE_LENGTH));
const scoreView = new Bytes();
const memberView = new Bytes();

/**
 * A small sorted set: a listpack of member, score, member, score ... in order. Scores are decimal text, or,
 * as listpacks have it, integers where they are whole. Every operation walks, O(n).
 *
 * The same object serves many sets: its memory is pointed at one after the other.
 */
export class PackedSortedSet implements SortedSet {
  private readonly listpack: Listpack;
  private found: ListpackPosition = 0;
  private foundScore = Number.NaN;

  constructor(memory: PackedBytes) {
    this.listpack = new Listpack(memory);
  }

  get size(): number {
    return this.listpack.count >>> 1;
  }

  /** Bytes of the whole listpack. */
  get bytes(): number {
    return this.listpack.memory.length;
  }

  find(member: Bytes): number {
    const { listpack } = this;
    this.found = listpack.find(listpack.first(), member, 1);
    this.foundScore = this.found === 0 ? Number.NaN : this.scoreAt(listpack.next(this.found));
    return this.foundScore;
  }

  rankOfFound(): number {
    const { listpack, found } = this;
    let rank = 0;
    for (let at = listpack.first(); at !== found; at = this.nextPair(at)) rank++;
    return rank;
  }

  changeFound(score: number): void {
    const { listpack, found } = this;
    listpack.read(found, memberView);
    // The text of an integer does not outlive the readings of a walk.
    const member = listpack.isInteger(found) ? memberView.copy() : memberView;
    const before = listpack.previous(found);
    const after = this.nextPair(found);
    const keepsPlace =
      (before === 0 || !this.isBehind(listpack.previous(before), member, score)) &&
      (after === 0 || this.isBehind(after, member, score));
    const place = keepsPlace ? found : listpack.move(found, 2, this.placeFor(member, score));
    listpack.replace(listpack.next(place), textOf(score));
  }

  removeFound(): void {
    this.listpack.delete(this.found, 2);
  }

  add(member: Bytes, score: number): void {
    this.listpack.insertPair(this.placeFor(member, score), member, textOf(score));
  }

  /** Adds a member that is behind all others. */
  append(member: Bytes, score: number): void {
    this.listpack.appendPair(member, textOf(score));
  }

  removeRanks(from: number, to: number): void {
    const { listpack } = this;
    if (to > from) listpack.delete(listpack.seek(from * 2), (to - from) * 2);
  }

  countBelow(score: number, inclusive: boolean): number {
    const { listpack } = this;
    let count = 0;
    for (let at = listpack.first(); at !== 0; at = this.nextPair(at)) {
      const other = this.scoreAt(listpack.next(at));
      if (other > score || (other === score && !inclusive)) break;
      count++;
    }
    return count;
  }

  countBelowMember(member: Bytes, inclusive: boolean): number {
    const { listpack } = this;
    let count = 0;
    for (let at = listpack.first(); at !== 0; at = this.nextPair(at)) {
      listpack.read(at, memberView);
      const order = compareBytes(memberView, member);
      if (order > 0 || (order === 0 && !inclusive)) break;
      count++;
    }
    return count;
  }

  visitRanks(from: number, to: number, backwards: boolean, visit: VisitMember): void {
    const { listpack } = this;
    if (to <= from) return;
    const view = new Bytes(memberView.buffer);
    let at = listpack.seek((backwards ? to - 1 : from) * 2);
    for (let left = to - from; left > 0; left--) {
      const score = this.scoreAt(listpack.next(at));
      listpack.read(at, view);
      visit(view, score);
      if (left > 1) at = backwards ? listpack.previous(listpack.previous(at)) : this.nextPair(at);
    }
  }

  sendRanks(from: number, to: number, backwards: boolean, sink: MemberSink): void {
    const { listpack } = this;
    if (to <= from) return;
    let at = listpack.seek((backwards ? to - 1 : from) * 2);
    for (let left = to - from; left > 0; left--) {
      listpack.read(at, memberView);
      sink.bulk(memberView.buffer, memberView.start, memberView.end);
      if (left > 1) at = backwards ? listpack.previous(listpack.previous(at)) : this.nextPair(at);
    }
  }

  at(rank: number, into: Bytes): number {
    const { listpack } = this;
    const at = listpack.seek(rank * 2);
    const score = this.scoreAt(listpack.next(at));
    listpack.read(at, into);
    return score;
  }

  /** Visits everything at once. */
  scan(_cursor: number, visit: VisitMember): number {
    this.visitRanks(0, this.size, false, visit);
    return 0;
  }

  /**
   * Where the first pair that comes after (score, member) is, or the end. The member's own pair does not
   * count.
   */
  private placeFor(member: Bytes, score: number): ListpackPosition {
    const { listpack, found } = this;
    for (let at = listpack.first(); at !== 0; at = this.nextPair(at)) {
      if (at !== found && this.isBehind(at, member, score)) return at;
    }
    return listpack.end();
  }

  /** True if the pair at `at` comes after (score, member). */
  private isBehind(at: ListpackPosition, member: Bytes, score: number): boolean {
    const { listpack } = this;
    const other = this.scoreAt(listpack.next(at));
    if (other !== score) return other > score;
    listpack.read(at, scoreView);
    return compareBytes(scoreView, member) > 0;
  }

  private nextPair(at: ListpackPosition): ListpackPosition {
    return this.listpack.next(this.listpack.next(at));
  }

  private scoreAt(at: ListpackPosition): number {
    const integer = this.listpack.readInteger(at);
    if (!Number.isNaN(integer)) return integer;
    this.listpack.read(at, scoreView);
    return parseDouble(scoreView.buffer, scoreView.start, scoreView.end)!;
  }
}

/** The score as it is stored. Whole numbers are stored as integers, which know no -0. */
function textOf(score: number): Bytes {
  scoreText.end = writeDouble(scoreText.buffer, 0, score === 0 ? 0 : score);
  return scoreText;
}
