/** redis.conf.example and docs/CONFIGURATION.md, made from the table of directives. */
import type { Directive } from './directive.js';
import { directives, groups } from './directives.js';

const columns = 100;

/** A redis.conf in which every directive stands at its default, commented out, with its explanation. */
export function exampleConfiguration(): string {
  const lines = [
    '# Every directive of redis.conf that Respite knows, with its default. Made by `npm run conf:example`.',
    '#',
    '# One directive a line: a name and its values, separated by blanks. A value that holds blanks stands in',
    '# quotes: "..." knows \\n \\r \\t \\b \\a \\xHH and \\", \'...\' only \\\'. Sizes take units: 1k is 1000 bytes, 1kb',
    '# is 1024, likewise m, mb, g, gb. Start the server with: respite /path/to/redis.conf',
  ];
  for (const { title, names } of groups) {
    lines.push('', `${'#'.repeat(20)} ${title} ${'#'.repeat(Math.max(3, columns - 22 - title.length))}`);
    for (const name of names) {
      const directive = directives.get(name);
      if (directive !== undefined && !directive.hidden) lines.push('', ...exampleOf(name, directive));
    }
  }
  return `${lines.join('\n')}\n`;
}

function exampleOf(name: string, directive: Directive<unknown>): string[] {
  const { kind, initial, help, alias, immutable, fileOnly, inert } = directive;
  const remarks = [
    `Values: ${kind.syntax}`,
    ...(immutable || fileOnly ? ['Only at the start.'] : []),
    ...(alias === undefined ? [] : [`Older name: ${alias}`]),
    ...(inert === undefined ? [] : [`Without effect: ${inert}`]),
  ];
  const settings = kind.lines(initial).map((words) => `# ${name} ${words}`);
  return [
    ...wrap(`${help}`),
    ...remarks.flatMap(wrap),
    ...(settings.length > 0 ? settings : [`# ${name} ${kind.syntax}`]),
  ];
}

/** The text as comment lines of limited length. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > columns && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** The page about configuration: how it is given, what has no effect and why, and all directives. */
export function configurationPage(): string {
  return [
    '# Configuration',
    '',
    'This page is made by `npm run conf:example`, as `redis.conf.example` is, from `src/config/groups`.',
    '',
    'Directives come from a file, from the standard input and from the command line; later ones win:',
    '',
    '    respite /etc/redis.conf --port 7777 --save 60 1',
    "    echo 'maxmemory 128mb' | respite -",
    '',
    '`CONFIG SET` changes them while the server runs, all of its pairs or none; `CONFIG REWRITE` writes what is',
    'in force back to the file and keeps its comments and order. An unknown name, or a value that cannot be,',
    'stops the start with the file, the line and the reason.',
    'Integers and sizes above 2^53 are kept as the nearest double.',
    '',
    '## Directives without effect',
    '',
    'These are accepted, shown by `CONFIG GET` and kept by `CONFIG REWRITE`, so that an existing redis.conf works.',
    'Those that were given a value other than their default are named in the log at the start.',
    '',
    ...table([
      ['directive', 'why it does nothing'],
      ...[...directives].flatMap(([name, { inert }]) => (inert === undefined ? [] : [[code(name), inert]])),
    ]),
    '',
    '## All directives',
    '',
    'Changeable: with `CONFIG SET`; "protected" as `enable-protected-configs` allows. Hidden ones are left out',
    'of `CONFIG GET *`.',
    ...groups.flatMap(({ title, names }) => ['', `### ${title}`, '', ...table([heading, ...names.map(row)])]),
    '',
  ].join('\n');
}

const heading = ['directive', 'values', 'default', 'changeable', 'meaning'];

function row(name: string): string[] {
  const directive = directives.get(name);
  if (directive === undefined) return [];
  const { kind, initial, help, alias, hidden, fileOnly } = directive;
  const initialText = fileOnly ? '' : kind.format(initial);
  return [
    `${code(name)}${alias === undefined ? '' : `, ${code(alias)}`}${hidden ? ' (hidden)' : ''}`,
    code(kind.syntax),
    initialText === '' ? '' : code(initialText),
    changeable(directive),
    help.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;'),
  ];
}

/** A table in Markdown with columns of equal width, as the formatter wants it; the first row is its head. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)];
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function changeable(directive: Directive<unknown>): string {
  if (directive.immutable || directive.fileOnly) return 'no';
  return directive.protected ? 'protected' : 'yes';
}
