import { Bytes } from '../bytes/bytes.js';
import { globMatch } from '../bytes/glob.js';
import { type Call, CommandFlag, type CommandSpec } from '../commands/command.js';
import { helpSubcommand } from '../commands/help.js';
import type { ServerApi } from '../commands/server-api.js';
import { dumpFunctions, readFunctions } from '../persistence/function-dump.js';
import { busyError, CommandError, wrongSubcommand } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import { type FunctionLibrary, loadLimit } from '../scripting/function-libraries.js';
import { scriptFlagNames } from '../scripting/script-flags.js';
import {
  begin,
  commandFlags,
  countedKeys,
  kill,
  readKeyCount,
  runFlags,
  type ScriptRunner,
  settle,
} from './script-commands.js';

const shards = 'request_policy:all_shards';
const allSucceed = [shards, 'response_policy:all_succeeded'];

/** FCALL and FUNCTION. They are declared here, not in commands/, because they run other commands. */
export function functionCommands(runner: () => ScriptRunner): CommandSpec[] {
  const common = {
    group: 'scripting' as const,
    since: '7.0.0',
    complexity: 'Depends on the function that is executed.',
    syntax: 'function numkeys [key ...] [arg ...]',
    categories: ['scripting'],
  };
  return [
    {
      ...common,
      name: 'fcall',
      summary: 'Calls a function.',
      flags: [...runFlags, 'may_replicate'],
      keys: countedKeys('RW access update', true),
      flagsFor: (server, args) => flagsOfFunction(server, args, CommandFlag.may_replicate),
      handler: (call) => callFunction(call, runner(), false),
    },
    {
      ...common,
      name: 'fcall_ro',
      summary: 'Calls a function that only reads.',
      flags: [...runFlags, 'readonly'],
      keys: countedKeys('RO access', true),
      flagsFor: (server, args) => flagsOfFunction(server, args, CommandFlag.readonly),
      handler: (call) => callFunction(call, runner(), true),
    },
    {
      name: 'function',
      group: 'scripting',
      since: '7.0.0',
      summary: 'A container for commands about functions.',
      complexity: 'Depends on subcommand.',
      syntax: '',
      flags: [],
      subcommands: functionSubcommands(runner),
    },
  ];
}

function functionSubcommands(runner: () => ScriptRunner): CommandSpec[] {
  const common = { group: 'scripting' as const, since: '7.0.0', categories: ['scripting'] };
  return [
    {
      ...common,
      name: 'delete',
      summary: 'Removes a library and its functions.',
      complexity: 'O(1)',
      syntax: 'library-name',
      flags: ['noscript', 'write'],
      tips: allSucceed,
      handler: deleteLibrary,
    },
    {
      ...common,
      name: 'dump',
      summary: 'Returns all libraries in a form that FUNCTION RESTORE reads.',
      complexity: 'O(N) where N is the number of functions',
      syntax: '',
      flags: ['noscript'],
      handler: dump,
    },
    {
      ...common,
      name: 'flush',
      summary: 'Removes all libraries.',
      complexity: 'O(N) where N is the number of functions deleted',
      syntax: '[ASYNC | SYNC]',
      flags: ['noscript', 'write'],
      tips: allSucceed,
      handler: flush,
    },
    {
      ...common,
      name: 'kill',
      summary: 'Ends the function that runs, if it has not written anything.',
      complexity: 'O(1)',
      syntax: '',
      flags: ['noscript', 'allow_busy'],
      tips: [shards, 'response_policy:one_succeeded'],
      handler: (call) => kill(call, runner(), 'function'),
    },
    {
      ...common,
      name: 'list',
      summary: 'Tells of the libraries and their functions.',
      complexity: 'O(N) where N is the number of functions',
      syntax: '[LIBRARYNAME library-name-pattern] [WITHCODE]',
      flags: ['noscript'],
      tips: ['nondeterministic_output_order'],
      handler: list,
    },
    {
      ...common,
      name: 'load',
      summary: 'Creates a library from its code.',
      complexity: 'O(1) (considering compilation time is redundant)',
      syntax: '[REPLACE] function-code',
      flags: ['noscript', 'write', 'denyoom'],
      tips: allSucceed,
      handler: load,
    },
    {
      ...common,
      name: 'restore',
      summary: 'Adds the libraries of a payload that FUNCTION DUMP returned.',
      complexity: 'O(N) where N is the number of functions on the payload',
      syntax: 'serialized-value [FLUSH | APPEND | REPLACE]',
      flags: ['noscript', 'write', 'denyoom'],
      tips: allSucceed,
      handler: restore,
    },
    {
      ...common,
      name: 'stats',
      summary: 'Tells of the function that runs, and the engines.',
      complexity: 'O(1)',
      syntax: '',
      flags: ['noscript', 'allow_busy'],
      tips: ['nondeterministic_output', shards, 'response_policy:special'],
      handler: (call) => stats(call, runner()),
    },
    { ...helpSubcommand('scripting', '7.0.0'), categories: ['scripting'] },
  ];
}

function callFunction(call: Call, runner: ScriptRunner, readOnly: boolean): void {
  const { args, argc, server } = call;
  const { scripting } = server;
  const found = scripting.functions.find(args[1].latin1());
  if (found === undefined) throw new CommandError('ERR Function not found');
  const keyCount = readKeyCount(args, argc, 'ERR Bad number of keys provided');
  begin(call, runner, found.registered.flags, readOnly);
  settle(call, runner, scripting.runFunction(found, args, argc, keyCount, runner.dispatcher.accounts.mark));
}

function flagsOfFunction({ scripting }: ServerApi, args: Bytes[], usual: number): number {
  return commandFlags(scripting.functions.flagsOf(args[1].latin1()), usual);
}

function deleteLibrary({ server, args, reply }: Call): void {
  if (!server.scripting.functions.delete(args[2].latin1())) throw new CommandError('ERR Library not found');
  server.keyspace.dirty++;
  reply.ok();
}

/** Undefined: what is repeated was loaded in time once. */
function loadLimitOf({ client }: Call): number | undefined {
  return client.repeats ? undefined : loadLimit;
}

function load(call: Call): void {
  const { server, args, argc, reply } = call;
  for (let i = 2; i < argc - 1; i++) {
    if (!args[i].is('replace')) throw new CommandError(`ERR Unknown option given: ${args[i].latin1()}`);
  }
  const code = args[argc - 1].copy().buffer;
  const name = server.scripting.functions.load(code, argc > 3, loadLimitOf(call));
  server.keyspace.dirty++;
  reply.text(name);
}

function flush({ server, args, argc, reply }: Call): void {
  if (argc > 3) throw wrongSubcommand('FUNCTION', args[1]);
  if (argc === 3 && !args[2].is('async') && !args[2].is('sync')) {
    throw new CommandError('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
  }
  server.scripting.functions.clear();
  server.keyspace.dirty++;
  reply.ok();
}

function dump({ server, reply }: Call): void {
  const codes = [...server.scripting.functions.libraries()].map(({ code }) => code);
  const payload = dumpFunctions(codes);
  reply.bulk(payload, 0, payload.length);
}

function restore(call: Call): void {
  const { server, args, argc, reply } = call;
  if (argc > 4) throw wrongSubcommand('FUNCTION', args[1]);
  const policy = argc === 4 ? args[3].latin1().toLowerCase() : 'append';
  if (policy !== 'flush' && policy !== 'append' && policy !== 'replace') {
    throw new CommandError(
      'ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.',
    );
  }
  server.scripting.functions.restore(readFunctions(args[2]), policy, loadLimitOf(call));
  server.keyspace.dirty++;
  reply.ok();
}

function list({ server, args, argc, reply }: Call): void {
  const { pattern, withCode } = readListOptions(args, argc);
  const shown = [...server.scripting.functions.libraries()].filter(
    ({ name }) => pattern === undefined || globMatch(pattern, Bytes.of(name), true),
  );
  reply.array(shown.length);
  for (const library of shown) replyLibrary(reply, library, withCode);
}

function readListOptions(args: Bytes[], argc: number): { pattern?: Bytes; withCode: boolean } {
  let pattern: Bytes | undefined;
  let withCode = false;
  for (let i = 2; i < argc; i++) {
    if (!withCode && args[i].is('withcode')) withCode = true;
    else if (pattern === undefined && args[i].is('libraryname')) {
      if (i + 1 >= argc) throw new CommandError('ERR library name argument was not given');
      pattern = args[++i];
    } else throw new CommandError(`ERR Unknown argument ${args[i].latin1()}`);
  }
  return { pattern, withCode };
}

function replyLibrary(
  reply: ReplyWriter,
  { name, functions, code }: FunctionLibrary,
  withCode: boolean,
): void {
  reply.map(withCode ? 4 : 3);
  reply.text('library_name');
  reply.text(name);
  reply.text('engine');
  reply.text('LUA');
  reply.text('functions');
  reply.array(functions.length);
  for (const { name, description, flags } of functions) {
    reply.map(3);
    reply.text('name');
    reply.text(name);
    reply.text('description');
    if (description === undefined) reply.null();
    else reply.text(description);
    reply.text('flags');
    const names = scriptFlagNames.filter(([, bit]) => (flags & bit) !== 0);
    reply.set(names.length);
    for (const [flagName] of names) reply.simple(flagName);
  }
  if (!withCode) return;
  reply.text('library_code');
  reply.bulk(code, 0, code.length);
}

function stats({ server, reply }: Call, { dispatcher }: ScriptRunner): void {
  const { running, functions } = server.scripting;
  if (running?.kind === 'script' && dispatcher.busy) throw new CommandError(busyError('script'));
  reply.map(2);
  reply.text('running_script');
  const stopped = dispatcher.suspension.innermost;
  if (running === undefined || stopped === undefined) reply.null();
  else {
    reply.map(3);
    reply.text('name');
    reply.text(running.name);
    reply.text('command');
    reply.array(stopped.argc);
    for (const arg of stopped.args) reply.bytes(arg);
    reply.text('duration_ms');
    reply.integer(Math.floor((server.clock.microseconds() - running.startedAt) / 1000));
  }
  reply.text('engines');
  reply.map(1);
  reply.text('LUA');
  reply.map(2);
  reply.text('libraries_count');
  reply.integer(functions.libraryCount);
  reply.text('functions_count');
  reply.integer(functions.functionCount);
}
