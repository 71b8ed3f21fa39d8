const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const isSpace = (c: string) => c === ' ' || (c >= '\t' && c <= '\r') || c === '\0';

/**
 * Splits a line into words: blanks separate, "..." knows \n \r \t \b \a \xHH, '...' only \'.
 * Undefined if a quote is not closed or is followed by something else than a blank.
 */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let i = 0;
  for (;;) {
    while (i < line.length && isSpace(line[i])) i++;
    if (i >= line.length) return words;
    let word = '';
    while (i < line.length && !isSpace(line[i])) {
      const quote = line[i];
      if (quote !== '"' && quote !== "'") {
        word += line[i++];
        continue;
      }
      i++;
      for (;;) {
        if (i >= line.length) return undefined;
        const c = line[i];
        if (c === quote) break;
        if (c === '\\' && quote === '"' && i + 1 < line.length) {
          const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(i + 1, i + 4));
          if (hex) {
            word += String.fromCharCode(Number.parseInt(hex[1], 16));
            i += 4;
          } else {
            word += escapes[line[i + 1]] ?? line[i + 1];
            i += 2;
          }
        } else if (c === '\\' && quote === "'" && line[i + 1] === "'") {
          word += "'";
          i += 2;
        } else {
          word += c;
          i++;
        }
      }
      i++;
      if (i < line.length && !isSpace(line[i])) return undefined;
    }
    words.push(word);
  }
}
