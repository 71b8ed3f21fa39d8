import type { Random } from '../ambient/random.js';
import { Bytes } from '../bytes/bytes.js';
import { HyperLogLog } from './hyperloglog.js';
import { REGISTER_BITS, REGISTER_COUNT, readRegister, writeRegister } from './hyperloglog-format.js';

const ROUNDS = 20;
const LARGEST_COUNT = 100_000;
/** The standard error is 1.04 / sqrt(16384) = 0.8 %; five times that is out of the question. */
const TOLERANCE = 0.041;

/** Tries out registers and estimates. Returns what went wrong, if anything. Takes some 50 ms. */
export function selfTest(random: Random): string | undefined {
  return testRegisters(random) ?? testEstimates(random);
}

function testRegisters(random: Random): string | undefined {
  const buffer = Buffer.alloc((REGISTER_COUNT * REGISTER_BITS) / 8);
  const expected = new Uint8Array(REGISTER_COUNT);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < REGISTER_COUNT; i++) {
      expected[i] = random.int32() & 63;
      writeRegister(buffer, 0, i, expected[i]);
    }
    const wrong = expected.findIndex((value, i) => readRegister(buffer, 0, i) !== value);
    if (wrong >= 0) return `register ${wrong} does not keep its value`;
  }
  return undefined;
}

/** Adds more and more elements to a sparse and to a dense one: they must agree, and be about right. */
function testEstimates(random: Random): string | undefined {
  const limit = 3000;
  const sparse = HyperLogLog.empty();
  const dense = HyperLogLog.empty();
  dense.toDense();
  const element = new Bytes(Buffer.alloc(12));
  element.buffer.writeInt32LE(random.int32());
  let next = 1;
  for (let i = 1; i <= LARGEST_COUNT; i++) {
    element.buffer.writeDoubleLE(i, 4);
    if (sparse.add(element, limit) !== dense.add(element, limit)) return `element ${i} is taken differently`;
    if (i < next) continue;
    next = i * 10;
    const estimate = dense.count();
    if (sparse.count() !== estimate) return 'the two encodings disagree';
    if (Math.abs(estimate - i) > Math.ceil(i * TOLERANCE)) return `${i} elements are counted as ${estimate}`;
  }
  return undefined;
}
