import { type Bytes, copyBytes } from '../bytes/bytes.js';
import { Murmur64 } from '../bytes/murmur64.js';
import { estimateCount, HISTOGRAM_SIZE, RANK_BITS } from './hyperloglog-estimate.js';
import {
  cacheCount,
  cachedCount,
  DENSE_SIZE,
  Encoding,
  emptySparse,
  HEADER_SIZE,
  invalidateCount,
  isDense,
  looksLikeHyperLogLog,
  mergeDense,
  REGISTER_COUNT,
  readRegister,
  runBytes,
  runLength,
  runValue,
  writeHeader,
  writeRegister,
} from './hyperloglog-format.js';
import { forEachRun, MOST_GROWTH, MUST_BECOME_DENSE, raiseSparse, UNCHANGED } from './hyperloglog-sparse.js';

export { REGISTER_COUNT } from './hyperloglog-format.js';
export { CorruptHyperLogLog } from './hyperloglog-sparse.js';

const INDEX_BITS = 14;
const hash = new Murmur64(0xadc83b19);

/** A register and the value that an element asks of it. `locate` fills it. */
const located = { index: 0, value: 0 };

/**
 * The first 14 bits of the hash choose a register; the position of the first 1 in the other 50 is the value.
 */
function locate(element: Bytes): void {
  hash.hash(element.buffer, element.start, element.end);
  const { high, low } = hash;
  located.index = low & (REGISTER_COUNT - 1);
  const lowRest = (low >>> INDEX_BITS) | (high << (32 - INDEX_BITS));
  // A 1 beyond the last bit ends the search.
  const highRest = (high >>> INDEX_BITS) | (1 << (RANK_BITS - 32));
  located.value = (lowRest !== 0 ? trailingZeros(lowRest) : 32 + trailingZeros(highRest)) + 1;
}

function trailingZeros(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

/**
 * A HyperLogLog being read or changed. A dense one is changed where its bytes lie; a sparse one moves to a
 * copy before its first change, for it may grow. `moved` tells that the bytes have to be stored again.
 */
export class HyperLogLog {
  moved = false;

  private constructor(
    private buffer: Buffer,
    private start: number,
    private end: number,
  ) {}

  /** One that is stored in these bytes, or undefined if they are none. Valid as long as the view. */
  static of({ buffer, start, end }: Bytes): HyperLogLog | undefined {
    return looksLikeHyperLogLog(buffer, start, end) ? new HyperLogLog(buffer, start, end) : undefined;
  }

  static empty(): HyperLogLog {
    const buffer = emptySparse();
    const empty = new HyperLogLog(buffer, 0, buffer.length);
    empty.moved = true;
    return empty;
  }

  get dense(): boolean {
    return isDense(this.buffer, this.start);
  }

  /** Bytes to store. */
  get length(): number {
    return this.end - this.start;
  }

  copyTo(buffer: Buffer, at: number): void {
    copyBytes(buffer, at, this.buffer, this.start, this.end);
  }

  /** The cardinality as it was last computed, unless registers have changed since. */
  get cached(): bigint | undefined {
    return cachedCount(this.buffer, this.start);
  }

  /**
   * Adds an element. True if a register changed. The cached cardinality is out of date then: see
   * `invalidate`. `limit` is the size in bytes beyond which a sparse one becomes dense. Throws
   * CorruptHyperLogLog.
   */
  add(element: Bytes, limit: number): boolean {
    locate(element);
    return this.raise(located.index, located.value, limit);
  }

  /** Sets a register to a value if it is smaller. Otherwise as `add`. */
  raise(index: number, value: number, limit: number): boolean {
    if (this.dense) return this.raiseDense(index, value);
    this.reserve();
    const end = raiseSparse(this.buffer, this.start, this.end, index, value, limit);
    if (end === UNCHANGED) return false;
    if (end === MUST_BECOME_DENSE) {
      this.toDense();
      return this.raiseDense(index, value);
    }
    this.end = end;
    return true;
  }

  private raiseDense(index: number, value: number): boolean {
    const base = this.start + HEADER_SIZE;
    if (readRegister(this.buffer, base, index) >= value) return false;
    writeRegister(this.buffer, base, index, value);
    return true;
  }

  /** Moves to a buffer of its own with room for one more change. */
  private reserve(): void {
    if (this.moved && this.end + MOST_GROWTH <= this.buffer.length) return;
    const larger = Buffer.alloc(this.length * 2 + MOST_GROWTH);
    this.copyTo(larger, 0);
    this.adopt(larger, this.length);
  }

  private adopt(buffer: Buffer, length: number): void {
    this.buffer = buffer;
    this.start = 0;
    this.end = length;
    this.moved = true;
  }

  /** Throws CorruptHyperLogLog. */
  toDense(): void {
    if (this.dense) return;
    const dense = Buffer.alloc(DENSE_SIZE);
    writeHeader(dense, 0, Encoding.dense);
    this.buffer.copy(dense, HEADER_SIZE / 2, this.start + HEADER_SIZE / 2, this.start + HEADER_SIZE);
    forEachRun(this.buffer, this.start, this.end, (value, length, first) => {
      if (value > 0) for (let i = first; i < first + length; i++) writeRegister(dense, HEADER_SIZE, i, value);
    });
    this.adopt(dense, DENSE_SIZE);
  }

  /** Raises each register of an array to the value it has here. Throws CorruptHyperLogLog. */
  mergeInto(registers: Uint8Array): void {
    const { buffer, start, end } = this;
    if (this.dense) return mergeDense(buffer, start + HEADER_SIZE, registers);
    forEachRun(buffer, start, end, (value, length, first) => {
      if (value === 0) return;
      for (let i = first; i < first + length; i++) if (registers[i] < value) registers[i] = value;
    });
  }

  /** The estimated number of different elements. Throws CorruptHyperLogLog. */
  count(): number {
    const registers = new Uint8Array(REGISTER_COUNT);
    this.mergeInto(registers);
    return countRegisters(registers);
  }

  /** The cached cardinality is out of date. */
  invalidate(): void {
    invalidateCount(this.buffer, this.start);
  }

  /** Writes the cardinality into the bytes. */
  cache(count: number): void {
    cacheCount(this.buffer, this.start, count);
  }

  /** The runs of a sparse one in PFDEBUG's notation, whether they add up or not. */
  describeRuns(): string {
    const { buffer, end } = this;
    const runs: string[] = [];
    for (let at = this.start + HEADER_SIZE; at + runBytes(buffer, at) <= end; at += runBytes(buffer, at)) {
      const value = runValue(buffer, at);
      const letter = value > 0 ? `v:${value},` : runBytes(buffer, at) === 2 ? 'Z:' : 'z:';
      runs.push(letter + runLength(buffer, at));
    }
    return runs.join(' ');
  }
}

/** The estimated number of different elements in registers, one a byte. */
export function countRegisters(registers: Uint8Array): number {
  const histogram = new Int32Array(HISTOGRAM_SIZE);
  for (let i = 0; i < registers.length; i++) histogram[registers[i]]++;
  return estimateCount(histogram);
}
