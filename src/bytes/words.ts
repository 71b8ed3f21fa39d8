// Lines of words as Redis reads and writes them in redis.conf, manifests, inline requests and what MONITOR shows.

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const named = new Map(Object.entries(escapes).map(([letter, meaning]) => [meaning, `\\${letter}`]));
/** Characters that cannot stand for themselves between double quotes. */
const special = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/**
 * The words of a line of latin1, or null if a quote is not closed or something follows a closing quote directly.
 *
 *     "..."  with \n \r \t \b \a, \xHH, and \ before any other character for that character
 *     '...'  with \' only
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line[at])) at++;
    if (at === line.length) return words;
    const word = readWord(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
}

/** Without the blanks around it. `trim` would take a byte away that may be the last one of a character in UTF-8. */
export function trimBlanks(line: string): string {
  return line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
}

/**
 * The value in double quotes, with escapes for whatever is not a printable ASCII character: reads back as the same
 * word.
 */
export function quoteWord(value: string): string {
  return `"${value.replace(special, escaped)}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return named.get(character) ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function readWord(line: string, start: number): { text: string; end: number } | null {
  let text = '';
  let at = start;
  while (at < line.length && !isBlank(line[at])) {
    const quote = line[at];
    if (quote === '"' || quote === "'") {
      const quoted = readQuoted(line, at + 1, quote);
      if (quoted === null || (quoted.end < line.length && !isBlank(line[quoted.end]))) return null;
      return { text: text + quoted.text, end: quoted.end };
    }
    text += line[at++];
  }
  return { text, end: at };
}

/** The text up to the closing quote; `start` is behind the opening one, `end` behind the closing one. */
function readQuoted(line: string, start: number, quote: string): { text: string; end: number } | null {
  let text = '';
  let at = start;
  while (at < line.length) {
    if (line[at] === quote) return { text, end: at + 1 };
    if (line[at] !== '\\' || at + 1 === line.length) {
      text += line[at++];
    } else if (quote === "'") {
      const escaped = line[at + 1] === "'";
      text += escaped ? "'" : '\\';
      at += escaped ? 2 : 1;
    } else {
      const hex = /^\\x([0-9a-f]{2})/i.exec(line.slice(at, at + 4));
      text += hex
        ? String.fromCharCode(Number.parseInt(hex[1], 16))
        : (escapes[line[at + 1]] ?? line[at + 1]);
      at += hex ? 4 : 2;
    }
  }
  return null;
}

function isBlank(character: string): boolean {
  return character === ' ' || (character >= '\t' && character <= '\r') || character === '\0';
}
