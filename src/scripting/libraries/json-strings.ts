/** Strings of JSON texts that have escapes, read as cjson does. Texts end with a byte 0. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** What a letter after a backslash stands for; 0 for none. */
const ESCAPED = new Uint8Array(256);
for (const [letter, byte] of Object.entries({ b: 8, t: 9, n: 10, f: 12, r: 13 }))
  ESCAPED[letter.charCodeAt(0)] = byte;
for (const character of '"\\/') ESCAPED[character.charCodeAt(0)] = character.charCodeAt(0);

export interface StringProblem {
  readonly problem: string;
  /** Where it was found. */
  readonly at: number;
}

let written = 0;

/** The position after the last byte that `readStringEscapes` wrote. */
export function writtenEnd(): number {
  return written;
}

/** Room enough for the string whose contents begin at `from`: bytes until its quote or the text's end. */
export function bytesToQuote(text: Buffer, from: number): number {
  let at = from;
  while (text[at] !== QUOTE && text[at] !== 0) at += text[at] === BACKSLASH && text[at + 1] !== 0 ? 2 : 1;
  return at - from + 1;
}

/**
 * Writes the contents of the string that begins at `from`, after its quote, to `into[to ...]`: in UTF-8 what is
 * escaped, and everything else as it is. Returns the position after the closing quote.
 */
export function readStringEscapes(
  text: Buffer,
  from: number,
  into: Buffer,
  to: number,
): number | StringProblem {
  let at = from;
  written = to;
  for (let byte = text[at]; byte !== QUOTE; byte = text[at]) {
    if (byte === 0) return { problem: 'unexpected end of string', at };
    if (byte !== BACKSLASH) {
      into[written++] = byte;
      at++;
    } else if (text[at + 1] === LETTER_U) {
      const length = readUnicode(text, at, into);
      if (length === 0) return { problem: 'invalid unicode escape code', at };
      at += length;
    } else {
      const meant = ESCAPED[text[at + 1]];
      if (meant === 0) return { problem: 'invalid escape code', at };
      into[written++] = meant;
      at += 2;
    }
  }
  return at + 1;
}

/** Writes the character of the `\uXXXX`, or surrogate pair of them, at `at`. Returns its length, 0 if it is none. */
function readUnicode(text: Buffer, at: number, into: Buffer): number {
  const unit = readHex(text, at + 2);
  if (unit < 0 || (unit & 0xfc00) === 0xdc00) return 0;
  if ((unit & 0xfc00) !== 0xd800) {
    writeUtf8(unit, into);
    return 6;
  }
  if (text[at + 6] !== BACKSLASH || text[at + 7] !== LETTER_U) return 0;
  const low = readHex(text, at + 8);
  if (low < 0 || (low & 0xfc00) !== 0xdc00) return 0;
  writeUtf8(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff), into);
  return 12;
}

/** Four hexadecimal digits, -1 if they are not there. */
function readHex(text: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function writeUtf8(code: number, into: Buffer): void {
  if (code < 0x80) {
    into[written++] = code;
    return;
  }
  if (code < 0x800) {
    into[written++] = 0xc0 | (code >> 6);
  } else {
    if (code < 0x10000) {
      into[written++] = 0xe0 | (code >> 12);
    } else {
      into[written++] = 0xf0 | (code >> 18);
      into[written++] = 0x80 | ((code >> 12) & 0x3f);
    }
    into[written++] = 0x80 | ((code >> 6) & 0x3f);
  }
  into[written++] = 0x80 | (code & 0x3f);
}
