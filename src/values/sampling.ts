/**
 * Calls `take` with `count` of the indexes 0 to size - 1, ascending, all choices equally likely (Knuth, The
 * Art of Computer Programming, 3.4.2, algorithm S). `random` gives numbers in [0, 1).
 */
export function sampleIndexes(
  size: number,
  count: number,
  random: () => number,
  take: (index: number) => void,
): void {
  let wanted = count;
  for (let index = 0; wanted > 0 && index < size; index++) {
    if (random() * (size - index) >= wanted) continue;
    take(index);
    wanted--;
  }
}
