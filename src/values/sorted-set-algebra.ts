import type { Bytes } from '../bytes/bytes.js';
import type { VisitMember } from './sorted-set.js';
import { type SortedSetMemory, TreeSortedSet } from './tree-sorted-set.js';

/** What can be combined: a sorted set, or a set, whose members all have score 1. */
export interface ScoredMembers {
  readonly size: number;
  /** The member's score, or NaN if it is not a member. */
  find(member: Bytes): number;
  visit(visit: VisitMember): void;
}

/** Members and what their scores are multiplied with. */
export interface Operand {
  members: ScoredMembers;
  weight: number;
}

/** How two scores of one member become one. */
export type Aggregate = 'sum' | 'min' | 'max';

export type Combination = 'union' | 'inter' | 'diff';

/** A new set of what the operands make together. The caller owns it. */
export function combine(
  memory: SortedSetMemory,
  combination: Combination,
  operands: Operand[],
  aggregate: Aggregate,
): TreeSortedSet {
  const built = new TreeSortedSet(memory);
  // The smallest first: there are fewest look-ups then, and sums of floats come out as Redis's.
  const ordered = combination === 'diff' ? operands : bySize(operands);
  if (combination === 'union') unite(built, ordered, aggregate);
  else if (combination === 'inter') intersect(built, ordered, aggregate);
  else subtract(built, ordered);
  return built;
}

function bySize(operands: Operand[]): Operand[] {
  return [...operands].sort((a, b) => a.members.size - b.members.size);
}

function unite(built: TreeSortedSet, operands: Operand[], aggregate: Aggregate): void {
  for (const { members, weight } of operands) {
    members.visit((member, score) => {
      const weighted = numberOrZero(weight * score);
      const old = built.find(member);
      if (Number.isNaN(old)) built.addUnordered(member, weighted);
      else built.changeFoundUnordered(aggregated(aggregate, old, weighted));
    });
  }
  built.order();
}

function intersect(built: TreeSortedSet, [first, ...others]: Operand[], aggregate: Aggregate): void {
  first.members.visit((member, score) => {
    let sum = numberOrZero(first.weight * score);
    for (const { members, weight } of others) {
      const other = members === first.members ? score : members.find(member);
      if (Number.isNaN(other)) return;
      sum = aggregated(aggregate, sum, other * weight);
    }
    built.addNew(member, sum);
  });
}

function subtract(built: TreeSortedSet, [first, ...others]: Operand[]): void {
  first.members.visit((member, score) => {
    for (const { members } of others) {
      if (members === first.members || !Number.isNaN(members.find(member))) return;
    }
    built.addNew(member, score);
  });
}

/** How many members all operands have in common; counts no further than `limit`. */
export function intersectionSize(operands: ScoredMembers[], limit: number): number {
  const [first, ...others] = [...operands].sort((a, b) => a.size - b.size);
  let count = 0;
  first.visit((member) => {
    if (count === limit) return;
    for (const members of others) {
      if (members !== first && Number.isNaN(members.find(member))) return;
    }
    count++;
  });
  return count;
}

/** With infinities and weights `b` may be NaN, which is neither less nor more than anything. */
function aggregated(aggregate: Aggregate, a: number, b: number): number {
  if (aggregate === 'sum') return numberOrZero(a + b);
  const replaces = aggregate === 'min' ? b < a : b > a;
  return replaces ? b : a;
}

/** 0 for NaN: what is left of infinities of both signs, and of infinity times 0. */
function numberOrZero(n: number): number {
  return Number.isNaN(n) ? 0 : n;
}
