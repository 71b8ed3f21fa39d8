import { copyBytes } from './bytes.js';

/**
 * LZF, the compression of long strings in RDB files and of list nodes. The format (liblzf, public
 * description):
 *
 *     000LLLLL                  the next L + 1 bytes are literal (1 .. 32)
 *     LLLooooo oooooooo         copy L + 2 bytes from o + 1 bytes back (L = 1 .. 6)
 *     111ooooo LLLLLLLL oooooooo    the same with L + 9 bytes (up to 264)
 *
 * A copy may overlap what it writes. The compressed bytes do not tell their uncompressed length; RDB stores
 * it beside them.
 */

const MAX_LITERAL = 32;
const MAX_MATCH = 264;
const MIN_MATCH = 3;
const MAX_OFFSET = 8192;
const SHORT_MATCH = 8;

const HASH_BITS = 14;
// Where each hash of three bytes was seen last, as position in the input + `seenBase`; below `seenBase`: in
// an earlier input.
const seen = new Int32Array(1 << HASH_BITS);
let seenBase = 1;

/**
 * Compresses `input[start, end)` to `output[at, limit)` and returns the position after the last byte written,
 * or -1 if it does not fit. A limit below the input's length is the usual way to ask for compression only
 * where it gains something. One pass, about 3 ns a byte; the 64 KiB of working memory are shared by all
 * calls.
 */
export function lzfCompress(
  input: Buffer,
  start: number,
  end: number,
  output: Buffer,
  at: number,
  limit: number,
): number {
  const base = takeSeenBase(end - start) - start;
  let literalStart = start;
  let i = start;
  while (i < end - MIN_MATCH + 1) {
    const slot = hashThree(input, i);
    const candidate = seen[slot] - base;
    seen[slot] = i + base;
    const length =
      candidate >= start && i - candidate <= MAX_OFFSET ? matchLength(input, candidate, i, end) : 0;
    if (length < MIN_MATCH) {
      i++;
      continue;
    }
    at = writeLiterals(input, literalStart, i, output, at, limit);
    if (at < 0 || at + 3 > limit) return -1;
    at = writeMatch(output, at, i - candidate, length);
    i += length;
    literalStart = i;
    // The last bytes of the match are remembered too, which finds most of what remembering all of them would.
    if (i < end) seen[hashThree(input, i - 2)] = i - 2 + base;
  }
  return writeLiterals(input, literalStart, end, output, at, limit);
}

/**
 * Expands `input[start, end)` to `output[at, limit)` and returns the position after the last byte written, or
 * -1 if the input is malformed or needs more room. Whoever knows the uncompressed length checks that the
 * position is the one expected. Safe with hostile input: nothing outside of the two ranges is read or
 * written.
 */
export function lzfDecompress(
  input: Buffer,
  start: number,
  end: number,
  output: Buffer,
  at: number,
  limit: number,
): number {
  const outputStart = at;
  let i = start;
  while (i < end) {
    const control = input[i++];
    if (control < MAX_LITERAL) {
      const next = i + control + 1;
      if (next > end || at + control + 1 > limit) return -1;
      copyBytes(output, at, input, i, next);
      at += control + 1;
      i = next;
      continue;
    }
    let length = (control >> 5) + 2;
    if (length === SHORT_MATCH + 1) {
      if (i === end) return -1;
      length += input[i++];
    }
    if (i === end) return -1;
    const from = at - ((control & 0x1f) << 8) - input[i++] - 1;
    if (from < outputStart || at + length > limit) return -1;
    at = copyForward(output, from, at, length);
  }
  return at;
}

/** A base for positions of an input of that length, above all that earlier calls have left in the table. */
function takeSeenBase(length: number): number {
  if (seenBase + length > 0x7fffffff) {
    seen.fill(0);
    seenBase = 1;
  }
  const base = seenBase;
  seenBase += length;
  return base;
}

function hashThree(input: Buffer, i: number): number {
  return Math.imul(input[i] | (input[i + 1] << 8) | (input[i + 2] << 16), 0x9e3779b1) >>> (32 - HASH_BITS);
}

function matchLength(input: Buffer, candidate: number, i: number, end: number): number {
  const most = Math.min(MAX_MATCH, end - i);
  let length = 0;
  while (length < most && input[candidate + length] === input[i + length]) length++;
  return length;
}

function writeLiterals(
  input: Buffer,
  from: number,
  to: number,
  output: Buffer,
  at: number,
  limit: number,
): number {
  while (from < to) {
    const run = Math.min(to - from, MAX_LITERAL);
    if (at + 1 + run > limit) return -1;
    output[at++] = run - 1;
    copyBytes(output, at, input, from, from + run);
    at += run;
    from += run;
  }
  return at;
}

function writeMatch(output: Buffer, at: number, distance: number, length: number): number {
  const offset = distance - 1;
  if (length <= SHORT_MATCH) {
    output[at++] = ((length - 2) << 5) | (offset >> 8);
  } else {
    output[at++] = 0xe0 | (offset >> 8);
    output[at++] = length - 9;
  }
  output[at++] = offset & 0xff;
  return at;
}

/** Copies within the output byte by byte, so that a copy may repeat what it has just written. */
function copyForward(output: Buffer, from: number, at: number, length: number): number {
  for (const last = at + length; at < last; ) output[at++] = output[from++];
  return at;
}
