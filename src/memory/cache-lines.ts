import { platform } from 'node:os';

/**
 * Memory that begins where a line of the processor's cache begins, so that what is laid out in lines of 64 bytes lies
 * in as many lines, and not in one more.
 *
 * JavaScript does not learn addresses. But large pieces of memory come as whole pages, and glibc, which most Linux
 * systems use, keeps the first 16 bytes to itself (https://sourceware.org/glibc/wiki/MallocInternals). So 48 bytes are
 * left out there. Where it is not so, nothing is lost but the advantage.
 */
const LEFT_OUT = platform() === 'linux' ? 48 : 0;
/** Less does not come as whole pages. */
const LEAST_ALIGNED_BYTES = 128 * 1024;

/** Zeroed bytes, 128 KiB or more. Throws RangeError if the engine has no memory for them. */
export function lineAlignedBytes(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(LEFT_OUT + length), LEFT_OUT, length);
}

/** Zeroed words of four bytes; less than 128 KiB of them begin anywhere. Throws RangeError as above. */
export function lineAlignedWords(length: number): Int32Array {
  if (length * 4 < LEAST_ALIGNED_BYTES) return new Int32Array(length);
  return new Int32Array(new ArrayBuffer(LEFT_OUT + length * 4), LEFT_OUT, length);
}
