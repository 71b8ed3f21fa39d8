/**
 * The command line, as redis-server reads it:
 *
 *     respite [file] [--directive [value ...]] ... [-]
 *     respite check FILE [--fix]
 *
 * What it says is turned into lines of redis.conf, which are read after the file: so values are checked, and
 * errors worded, in one place. commander provides --help and --version. It cannot split the rest: a word
 * after an option is its value even when it begins with two dashes, one argument may hold a whole line, and
 * whatever is wrong is the configuration's to say.
 */
import { Command, Option } from 'commander';
import { quoteWord, trimBlanks } from './bytes/words.js';
import { directives, groups } from './config/directives.js';
import { configFromText } from './config/files.js';
import { redisVersion } from './config/redis-version.js';

/** Columns of --help when it does not go to a terminal, and of the values' syntax in it. */
const helpWidth = 110;
const syntaxWidth = 24;

export type CommandLine =
  /** Print this and end with status 0. */
  | { readonly kind: 'print'; readonly output: string }
  /** Print this on the standard error and end with status 1. */
  | { readonly kind: 'refuse'; readonly message: string }
  /** Look at a file of a data set, and cut off what is broken with `fix`. */
  | { readonly kind: 'check'; readonly file: string; readonly fix: boolean }
  | {
      readonly kind: 'start';
      /** Path of a file or directory that is loaded in place of the server's own data set. */
      readonly importFrom: string | undefined;
      /** Path of the configuration file, as it was given. */
      readonly configFile: string | undefined;
      /** More configuration comes from the standard input. */
      readonly readStdin: boolean;
      /** Lines of redis.conf that come last. */
      readonly overrides: string;
    };

/** Reads the arguments that follow the program's name. Nothing in them can be wrong yet. */
export function parseCommandLine(args: readonly string[], version: string): CommandLine {
  const printed = helpOrVersion(args, version);
  if (printed !== undefined) return { kind: 'print', output: printed };
  if (args[0] === 'check') return checkLine(args.slice(1));
  const rest = [...args];
  const importFrom = takeImport(rest);
  const readStdin = rest[0] === '-' || rest.at(-1) === '-';
  if (rest[0] === '-') rest.shift();
  else if (rest.at(-1) === '-') rest.pop();
  const hasFile = rest.length > 0 && !rest[0].startsWith('-') && args[0] !== '-';
  const file = hasFile ? rest.shift() : undefined;
  return {
    kind: 'start',
    importFrom,
    configFile: file === '' ? undefined : file,
    readStdin,
    overrides: overrideLines(rest.map(configFromText)),
  };
}

const checkUsage = 'Usage: respite check FILE [--fix]\n';

function checkLine(args: readonly string[]): CommandLine {
  const files = args.filter((arg) => arg !== '--fix');
  if (files.length !== 1 || files[0].startsWith('-')) return { kind: 'refuse', message: checkUsage };
  return { kind: 'check', file: files[0], fix: files.length < args.length };
}

/** Takes `--import FILE` out of the arguments. It is no directive: it holds for one start. */
function takeImport(args: string[]): string | undefined {
  const at = args.indexOf('--import');
  if (at < 0 || at + 1 === args.length) return undefined;
  return args.splice(at, 2)[1];
}

/**
 * The whole configuration in one text for `Config.load`, so that lines are counted as redis-server counts
 * them.
 */
export function joinConfiguration(file: string, stdin: string, overrides: string): string {
  return `${file}${file === '' || stdin === '' ? '' : '\n'}${stdin}\n${overrides}`;
}

/**
 * One directive per line. Each argument that begins with `--` starts a line, unless it is the first value of
 * one.
 */
function overrideLines(args: readonly string[]): string {
  const lines: string[] = [];
  let line = '';
  let awaitsValue = false;
  const finish = () => {
    // `--save` alone means that nothing is saved, so that `--save --loglevel debug` does what it looks like.
    if (trimBlanks(line) !== '')
      lines.push(awaitsValue && line.toLowerCase() === 'save' ? `${line} ""` : line);
  };
  for (const arg of args) {
    const isSave = awaitsValue && line.toLowerCase() === 'save';
    if (arg.startsWith('--') && (!awaitsValue || isSave)) {
      finish();
      line = trimBlanks(arg.slice(2));
      awaitsValue = !/\s/.test(line) && line !== '';
    } else {
      line += `${line === '' ? '' : ' '}${quoteWord(arg)}`;
      awaitsValue = false;
    }
  }
  finish();
  return lines.map((text) => `${text}\n`).join('');
}

/** What commander prints for `--help` and `--version`; as in Redis they count only as the first argument. */
function helpOrVersion(args: readonly string[], version: string): string | undefined {
  if (!['-h', '--help', '-v', '--version'].includes(args[0])) return undefined;
  let output = '';
  const program = describe(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (output += text),
      getOutHelpWidth: () => process.stdout.columns ?? helpWidth,
    });
  try {
    program.parse([args[0]], { from: 'user' });
  } catch {
    // commander's way of saying that it has printed what was asked for
  }
  return output;
}

function describe(version: string): Command {
  const program = new Command('respite')
    .description('A Redis-compatible in-memory server.')
    .usage('[file] [--directive [value ...]] ... [-]\n       respite check FILE [--fix]')
    .argument('[file]', 'configuration file in the format of redis.conf')
    .argument('[-]', 'as first or last argument: read configuration from the standard input')
    .helpOption('-h, --help', 'show this')
    .version(versionLine(version), '-v, --version', 'show the version')
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', examples);
  for (const { title, names } of groups) {
    program.optionsGroup(`${title}:`);
    for (const name of names) {
      const option = optionOf(name);
      if (option !== undefined) program.addOption(option.helpGroup(`${title}:`));
    }
  }
  return program;
}

const examples = `
Values come after the file and win over it. Several words are one value (--save 60 1 300 100), and one
argument may hold name and value ("--port 6380").

Examples:
  respite
  respite /etc/redis.conf --port 7777
  respite --port 7777 --replicaof 127.0.0.1 6379
  respite --import dump.rdb             start with the data of that file instead of one's own
  respite check dump.rdb                show what is in a snapshot or an append-only file, and whether it is whole
  respite check appendonlydir --fix     and cut off what follows the last whole command
  echo 'maxmemory 128mb' | respite -
`;

function optionOf(name: string): Option | undefined {
  const directive = directives.get(name);
  if (directive === undefined || directive.hidden || directive.fileOnly) return undefined;
  const { kind, initial, help, alias, inert } = directive;
  const initialText = kind.format(initial);
  // commander knows <...> and [...] only around the whole value.
  const syntax = kind.syntax.replaceAll(/[<>[\]]/g, '');
  const isLong = syntax.length > syntaxWidth;
  const notes = [
    isLong ? syntax.replaceAll('|', ' | ') : '',
    initialText === '' ? '' : `default ${initialText}`,
    alias === undefined ? '' : `also --${alias}`,
    inert === undefined ? '' : 'without effect',
  ].filter((note) => note !== '');
  return new Option(
    `--${name} <${isLong ? 'value' : syntax}>`,
    notes.length === 0 ? help : `${help} (${notes.join('; ')})`,
  );
}

function versionLine(version: string): string {
  return `Respite server v=${version} redis=${redisVersion} node=${process.versions.node} bits=64`;
}
