// Numbers without an order, of keys to ask for or as scores: the same ones in every run.
import { Random } from '../../test/differential/random.mjs';

/** How much more often the first keys are asked for than the later ones. */
const ZIPF_EXPONENT = 0.9;
/** In a polluted trace: requests of a scan, and of the Zipf distribution before it. */
const SCAN_LENGTH = 20_000;
const BETWEEN_SCANS = 60_000;

/** Number `i` of a sequence in no order; no two of a million are equal. @param {number} i */
export function scattered(i) {
  return (i * 7919) % 1_000_003;
}

/**
 * Keys by a Zipf distribution, in an order in which popular keys are not neighbours.
 *
 * @param {number} requests
 * @param {number} keys
 */
export function zipf(requests, keys) {
  const next = zipfSource(keys, new Random(1));
  return Int32Array.from({ length: requests }, next);
}

/**
 * The same, with a scan now and then: many keys in order, each asked for once and never again.
 *
 * @param {number} requests
 * @param {number} keys
 */
export function scanPolluted(requests, keys) {
  const next = zipfSource(keys, new Random(2));
  let scanned = keys;
  return Int32Array.from({ length: requests }, (_, i) =>
    i % (BETWEEN_SCANS + SCAN_LENGTH) < BETWEEN_SCANS ? next() : scanned++,
  );
}

/**
 * @param {number} keys
 * @param {Random} random
 */
function zipfSource(keys, random) {
  const cumulative = new Float64Array(keys);
  let sum = 0;
  for (let i = 0; i < keys; i++) cumulative[i] = sum += 1 / (i + 1) ** ZIPF_EXPONENT;
  return () => {
    const target = random.next() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
