import { Bytes, lowerCase } from './bytes.js';

/**
 * Redis's glob patterns, over bytes, as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET use them:
 *
 *     *        any run of bytes, also none
 *     ?        any one byte
 *     [abc]    one of the bytes; [a-c] a range, in either order; [^abc] none of the bytes
 *     \x       the byte x itself, in a class too; a lone \ at the end is a backslash
 *
 * What looks odd is Redis's: a class that is never closed ends with the pattern, `[]` matches nothing, `[^]`
 * matches any one byte, and in `[a-]` the `]` is the end of a range, so that class is not closed.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

/**
 * True if all of `text` matches `pattern`. With `ignoreCase`, ASCII letters are compared folded.
 *
 * Everything but `*` consumes exactly one byte, so only the last `*` seen has ever to be reconsidered: the
 * time is at most pattern length x text length, whatever the pattern. Allocates nothing.
 */
export function globMatch(pattern: Bytes, text: Bytes, ignoreCase = false): boolean {
  const glob = pattern.buffer;
  const globEnd = pattern.end;
  const bytes = text.buffer;
  const textEnd = text.end;
  let p = pattern.start;
  let t = text.start;
  if (t === textEnd) return p === globEnd;
  let afterStar = -1; // where to go on in the pattern when what follows the last star did not match ...
  let starText = 0; // ... and the text position from which it was tried last
  while (t < textEnd) {
    if (p < globEnd && glob[p] === STAR) {
      afterStar = ++p;
      starText = t;
      continue;
    }
    const next = p < globEnd ? matchOne(glob, p, globEnd, bytes[t], ignoreCase) : -1;
    if (next > 0) {
      p = next;
      t++;
    } else if (afterStar >= 0) {
      if (afterStar === globEnd) return true;
      p = afterStar;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < globEnd && glob[p] === STAR) p++;
  return p === globEnd;
}

/**
 * The bytes that every match begins with: the pattern up to its first special byte. A view of the pattern.
 */
export function literalPrefix(pattern: Bytes): Bytes {
  let at = pattern.start;
  while (at < pattern.end && !isSpecial(pattern.buffer[at])) at++;
  return new Bytes(pattern.buffer, pattern.start, at);
}

/** True if the pattern matches nothing but itself, so that a look-up can replace the walk over all keys. */
export function isLiteral(pattern: Bytes): boolean {
  return literalPrefix(pattern).end === pattern.end;
}

function isSpecial(byte: number): boolean {
  return byte === STAR || byte === QUESTION || byte === OPEN || byte === BACKSLASH;
}

/** Position after the pattern element at `p` if it matches `byte`, else -1. The element is not a star. */
function matchOne(glob: Buffer, p: number, end: number, byte: number, ignoreCase: boolean): number {
  let wanted = glob[p];
  if (wanted === QUESTION) return p + 1;
  if (wanted === OPEN) return matchClass(glob, p + 1, end, byte, ignoreCase);
  if (wanted === BACKSLASH && p + 1 < end) wanted = glob[++p];
  return sameByte(wanted, byte, ignoreCase) ? p + 1 : -1;
}

/** As matchOne, for a class whose `[` is before `p`. */
function matchClass(glob: Buffer, p: number, end: number, byte: number, ignoreCase: boolean): number {
  const negated = p < end && glob[p] === CARET;
  if (negated) p++;
  let found = false;
  while (p < end && glob[p] !== CLOSE) {
    if (glob[p] === BACKSLASH && p + 1 < end) {
      found = sameByte(glob[p + 1], byte, ignoreCase) || found;
      p += 2;
    } else if (p + 2 < end && glob[p + 1] === DASH) {
      found = inRange(glob[p], glob[p + 2], byte, ignoreCase) || found;
      p += 3;
    } else {
      found = sameByte(glob[p], byte, ignoreCase) || found;
      p++;
    }
  }
  if (found === negated) return -1;
  return p < end ? p + 1 : p;
}

function sameByte(wanted: number, byte: number, ignoreCase: boolean): boolean {
  return wanted === byte || (ignoreCase && lowerCase(wanted) === lowerCase(byte));
}

/**
 * The bounds are put in order before they are folded, as Redis does: `[Z-a]` is empty when case is ignored.
 */
function inRange(from: number, to: number, byte: number, ignoreCase: boolean): boolean {
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  if (!ignoreCase) return byte >= low && byte <= high;
  const folded = lowerCase(byte);
  return folded >= lowerCase(low) && folded <= lowerCase(high);
}
