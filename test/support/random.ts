import { Random } from '../differential/random.mjs';

/** Numbers in [0, 1) that a seed determines. */
export function seededRandom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.next();
}
