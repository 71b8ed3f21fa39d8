import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { CommandError, errors } from '../protocol/errors.js';
import { categoriesOf } from './acl-categories.js';
import { ArgumentReader } from './arguments.js';
import { type Call, CommandFlag, type CommandFlagName, type CommandSpec } from './command.js';
import { writeCommandDocs } from './command-docs.js';
import { writeCommandInfo, writeWords } from './command-info.js';
import { helpSubcommand } from './help.js';
import { type FoundKey, keysOf, mayHaveKeys } from './keys-of.js';
import type { Command, CommandTable } from './registry.js';

const flags: CommandFlagName[] = ['loading', 'stale'];
const inAnyOrder = ['nondeterministic_output_order'];

const subcommands: CommandSpec[] = [
  {
    name: 'count',
    group: 'server',
    since: '2.8.13',
    summary: 'Counts the commands.',
    complexity: 'O(1)',
    syntax: '',
    flags,
    categories: ['connection'],
    handler: ({ server, reply }) => reply.integer(server.commands.size),
  },
  {
    name: 'list',
    group: 'server',
    since: '7.0.0',
    summary: 'Lists the names of commands and subcommands, all or those that a filter lets through.',
    complexity: 'O(N) where N is the total number of Redis commands',
    syntax: '[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',
    flags,
    categories: ['connection'],
    tips: inAnyOrder,
    handler: list,
  },
  {
    name: 'info',
    group: 'server',
    since: '2.8.13',
    summary: 'Tells arity, flags, key positions and more of commands.',
    complexity: 'O(N) where N is the number of commands to look up',
    syntax: '[command-name [command-name ...]]',
    flags,
    categories: ['connection'],
    tips: inAnyOrder,
    history: [['7.0.0', 'Without names all commands are told.']],
    handler: info,
  },
  {
    name: 'docs',
    group: 'server',
    since: '7.0.0',
    summary: 'Tells what commands do and which arguments they take.',
    complexity: 'O(N) where N is the number of commands to look up',
    syntax: '[command-name [command-name ...]]',
    flags,
    categories: ['connection'],
    tips: inAnyOrder,
    handler: docs,
  },
  {
    name: 'getkeys',
    group: 'server',
    since: '2.8.13',
    summary: 'Finds the keys among the arguments of a command.',
    complexity: 'O(N) where N is the number of arguments to the command',
    syntax: 'command [arg [arg ...]]',
    arity: -3,
    flags,
    categories: ['connection'],
    handler: getKeys,
  },
  {
    name: 'getkeysandflags',
    group: 'server',
    since: '7.0.0',
    summary: 'Finds the keys among the arguments of a command and tells how each is used.',
    complexity: 'O(N) where N is the number of arguments to the command',
    syntax: 'command [arg [arg ...]]',
    arity: -3,
    flags,
    categories: ['connection'],
    handler: getKeysAndFlags,
  },
  { ...helpSubcommand('server', '5.0.0', flags), categories: ['connection'] },
];

export const commandCommands: CommandSpec[] = [
  {
    name: 'command',
    group: 'server',
    since: '2.8.13',
    summary: 'Tells arity, flags, key positions and more of all commands.',
    complexity: 'O(N) where N is the total number of Redis commands',
    syntax: '',
    arity: -1,
    flags,
    categories: ['connection'],
    tips: inAnyOrder,
    handler: ({ server, reply }) => writeAll(reply, server.commands),
    subcommands,
  },
];

function writeAll(reply: Call['reply'], table: CommandTable): void {
  reply.array(table.size);
  for (const command of table.all()) writeCommandInfo(reply, command);
}

function named({ server, args, argc }: Call): (Command | undefined)[] {
  return args.slice(2, argc).map((name) => server.commands.named(name.latin1()));
}

function info(call: Call): void {
  const { server, argc, reply } = call;
  if (argc === 2) return writeAll(reply, server.commands);
  const found = named(call);
  reply.array(found.length);
  for (const command of found) {
    if (command === undefined) reply.null();
    else writeCommandInfo(reply, command);
  }
}

function docs(call: Call): void {
  const { server, argc, reply } = call;
  const found =
    argc === 2 ? [...server.commands.all()] : named(call).filter((command) => command !== undefined);
  reply.map(found.length);
  for (const command of found) writeCommandDocs(reply, command);
}

function list(call: Call): void {
  const { server, reply } = call;
  const passes = readFilter(call);
  const names: string[] = [];
  for (const command of server.commands.everyCommand()) if (passes(command)) names.push(command.fullName);
  reply.array(names.length);
  for (const name of names) reply.text(name);
}

function readFilter({ args, argc }: Call): (command: Command) => boolean {
  const options = new ArgumentReader(args, argc, 2);
  if (options.done) return () => true;
  if (argc !== 5 || !options.take('filterby')) throw new CommandError(errors.syntax);
  const kind = options.next();
  const value = options.next();
  if (kind.is('module')) return () => false;
  if (kind.is('aclcat')) {
    const wanted = value.latin1().toLowerCase();
    return (command) => categoriesOf(command).some((category) => category === wanted);
  }
  if (kind.is('pattern')) return (command) => globMatch(value, Bytes.of(command.fullName), true);
  throw new CommandError(errors.syntax);
}

/** The command that the words name, its subcommand if it is a container. */
function resolve(table: CommandTable, words: Bytes[]): Command | undefined {
  const command = table.find(words[0]);
  return command?.subcommands === undefined || words.length === 1 ? command : command.subcommand(words[1]);
}

/** The keys of the call that COMMAND GETKEYS was given, as (key, flags). */
function foundKeys({ server, args, argc }: Call): { words: Bytes[]; keys: FoundKey[] } {
  const words = args.slice(2, argc);
  const command = resolve(server.commands, words);
  if (command === undefined) throw new CommandError('ERR Invalid command specified');
  if (!mayHaveKeys(command)) throw new CommandError('ERR The command has no key arguments');
  if (!command.accepts(words.length)) {
    throw new CommandError('ERR Invalid number of arguments specified for command');
  }
  const keys = keysOf(command, words, words.length);
  if (keys !== undefined) return { words, keys };
  if (command.has(CommandFlag.no_mandatory_keys)) return { words, keys: [] };
  throw new CommandError('ERR Invalid arguments specified for command');
}

function getKeys(call: Call): void {
  const { words, keys } = foundKeys(call);
  call.reply.array(keys.length);
  for (const { position } of keys) call.reply.bytes(words[position]);
}

function getKeysAndFlags(call: Call): void {
  const { words, keys } = foundKeys(call);
  const { reply } = call;
  reply.array(keys.length);
  for (const key of keys) {
    reply.array(2);
    reply.bytes(words[key.position]);
    writeWords(reply, key.flags.split(' '));
  }
}
