import { REGISTER_COUNT } from './hyperloglog-format.js';

/** Bits of a hash that are not used for the register's index. */
export const RANK_BITS = 50;
/** Entries of a histogram of registers: one for each value that a register can have. */
export const HISTOGRAM_SIZE = 64;
/** 1 / (2 ln 2) */
const ALPHA = 0.5 / Math.LN2;

/**
 * The cardinality that a histogram of register values speaks for. Source: Otmar Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches", 2017, algorithm 6.
 */
export function estimateCount(histogram: Int32Array): number {
  const m = REGISTER_COUNT;
  let z = m * tau((m - histogram[RANK_BITS + 1]) / m);
  for (let value = RANK_BITS; value >= 1; value--) z = (z + histogram[value]) * 0.5;
  z += m * sigma(histogram[0] / m);
  return Math.round((ALPHA * m * m) / z);
}

/** Sum of x^(2^k) 2^(k-1) over k from 1 on, and x. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let [power, weight, sum, before] = [x, 1, x, Number.NaN];
  while (sum !== before) {
    power *= power;
    before = sum;
    sum += power * weight;
    weight += weight;
  }
  return sum;
}

/** A third of 1 - x less the sum of (1 - x^(2^-k))^2 2^-k over k from 1 on. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let [root, weight, sum, before] = [x, 1, 1 - x, Number.NaN];
  while (sum !== before) {
    root = Math.sqrt(root);
    before = sum;
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}
