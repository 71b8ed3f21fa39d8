/** A sorted set as a sorted array: what the real ones must behave as. Members are latin1 strings. */
export class SortedSetModel {
  pairs: { member: string; score: number }[] = [];

  score(member: string): number {
    return this.pairs.find((pair) => pair.member === member)?.score ?? Number.NaN;
  }

  rank(member: string): number {
    return this.pairs.findIndex((pair) => pair.member === member);
  }

  set(member: string, score: number): void {
    this.remove(member);
    this.pairs.push({ member, score });
    this.pairs.sort((a, b) => a.score - b.score || (a.member < b.member ? -1 : 1));
  }

  remove(member: string): void {
    this.pairs = this.pairs.filter((pair) => pair.member !== member);
  }

  removeRanks(from: number, to: number): void {
    this.pairs.splice(from, Math.max(0, to - from));
  }

  countBelow(score: number, inclusive: boolean): number {
    return this.pairs.filter((pair) => pair.score < score || (inclusive && pair.score === score)).length;
  }

  countBelowMember(member: string, inclusive: boolean): number {
    return this.pairs.filter((pair) => pair.member < member || (inclusive && pair.member === member)).length;
  }

  slice(from: number, to: number, backwards: boolean): { member: string; score: number }[] {
    const part = this.pairs.slice(from, Math.max(from, to));
    return backwards ? part.reverse() : part;
  }
}
