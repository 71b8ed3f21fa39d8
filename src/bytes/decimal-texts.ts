import type { Bytes } from './bytes.js';
import { writeBigInteger, writeInteger } from './integers.js';

// Integers that are stored in binary are read as decimal text. The texts rotate through some places, so that a few
// can be held at once.

/** How many texts can be held before the first of them is overwritten. */
export const DECIMAL_TEXTS = 16;

const TEXT_LENGTH = 32;
let texts = Buffer.alloc(TEXT_LENGTH * DECIMAL_TEXTS);
let otherTexts = Buffer.alloc(TEXT_LENGTH * DECIMAL_TEXTS);
let next = 0;

/** Points `into` at the decimal text of a 64-bit integer, in memory that is used again DECIMAL_TEXTS calls later. */
export function readAsDecimal(n: number | bigint, into: Bytes): void {
  const start = next;
  next = (next + TEXT_LENGTH) & (TEXT_LENGTH * DECIMAL_TEXTS - 1);
  into.buffer = texts;
  into.start = start;
  into.end = typeof n === 'number' ? writeInteger(texts, start, n) : writeBigInteger(texts, start, n);
}

/**
 * To be called before and after someone reads integers in the middle of somebody else's work: the texts that this one
 * holds stay as they are.
 */
export function exchangeDecimalTexts(): void {
  [texts, otherTexts] = [otherTexts, texts];
}
