import type { Bytes } from '../bytes/bytes.js';
import { parseInt64, readSafeInteger } from '../bytes/integers.js';
import type { Client } from '../clients/client.js';
import { type Call, CommandFlag, type CommandSpec, type KeySpec } from '../commands/command.js';
import { helpSubcommand } from '../commands/help.js';
import type { ServerApi } from '../commands/server-api.js';
import { busyError, CommandError, errors } from '../protocol/errors.js';
import { readScriptHeader } from '../scripting/header.js';
import type { Outcome } from '../scripting/lua-vm.js';
import type { Script } from '../scripting/script-cache.js';
import { ScriptFlag } from '../scripting/script-flags.js';
import { firstKey } from '../scripting/scripting.js';
import { ServerGate } from './admission.js';
import { showToMonitors } from './command-observer.js';
import type { Dispatcher } from './dispatcher.js';
import type { ScriptCaller } from './script-caller.js';

/** What the commands that run scripts need. */
export interface ScriptRunner {
  dispatcher: Dispatcher;
  caller: ScriptCaller;
  /** Those who asked to debug their next script. */
  debugging: Set<Client>;
}

/** Of a SHA-1 in hexadecimal. */
const digestLength = 40;
const noScript = 'NOSCRIPT No matching script. Please use EVAL.';
const unknown = 'We cannot tell how the keys will be used so we assume the worst,';

/** Key specs of a command whose second argument counts the keys that follow. */
export function countedKeys(flags: string, note: boolean): KeySpec[] {
  const spec: KeySpec = { flags, begin: 2, find: { keyCountAt: 0, firstKey: 1, step: 1 } };
  if (note) spec.notes = `${unknown} ${flags.startsWith('RO') ? 'RO and ACCESS' : 'RW and UPDATE'}`;
  return [spec];
}

export const runFlags = ['noscript', 'stale', 'skip_monitor', 'no_mandatory_keys'] as const;

/** EVAL and its kin. They are declared here, not in commands/, because they run other commands. */
export function scriptCommands(runner: () => ScriptRunner): CommandSpec[] {
  const common = {
    group: 'scripting' as const,
    complexity: 'Depends on the script that is executed.',
    categories: ['scripting'],
  };
  const bySha = 'sha1 numkeys [key ...] [arg ...]';
  const byText = 'script numkeys [key ...] [arg ...]';
  return [
    {
      ...common,
      name: 'eval',
      since: '2.6.0',
      summary: 'Runs a Lua script on the server.',
      syntax: byText,
      flags: [...runFlags, 'may_replicate'],
      keys: countedKeys('RW access update', true),
      flagsFor: (_server, args, argc) => flagsOfText(args, argc, CommandFlag.may_replicate),
      handler: (call) => evalText(call, runner(), false),
    },
    {
      ...common,
      name: 'eval_ro',
      since: '7.0.0',
      summary: 'Runs a Lua script that only reads.',
      syntax: byText,
      flags: [...runFlags, 'readonly'],
      keys: countedKeys('RO access', true),
      flagsFor: (_server, args, argc) => flagsOfText(args, argc, CommandFlag.readonly),
      handler: (call) => evalText(call, runner(), true),
    },
    {
      ...common,
      name: 'evalsha',
      since: '2.6.0',
      summary: 'Runs a Lua script that the server knows, by its SHA1 digest.',
      syntax: bySha,
      flags: [...runFlags, 'may_replicate'],
      keys: countedKeys('RW access update', false),
      flagsFor: (server, args) => flagsOfSha(server, args, CommandFlag.may_replicate),
      handler: (call) => evalSha(call, runner(), false),
    },
    {
      ...common,
      name: 'evalsha_ro',
      since: '7.0.0',
      summary: 'Runs a Lua script that the server knows and that only reads, by its SHA1 digest.',
      syntax: bySha,
      flags: [...runFlags, 'readonly'],
      keys: countedKeys('RO access', false),
      flagsFor: (server, args) => flagsOfSha(server, args, CommandFlag.readonly),
      handler: (call) => evalSha(call, runner(), true),
    },
    {
      name: 'script',
      group: 'scripting',
      since: '2.6.0',
      summary: 'A container for commands about scripts.',
      complexity: 'Depends on subcommand.',
      syntax: '',
      flags: [],
      subcommands: scriptSubcommands(runner),
    },
  ];
}

function scriptSubcommands(runner: () => ScriptRunner): CommandSpec[] {
  const common = { group: 'scripting' as const, categories: ['scripting'] };
  const tips = ['request_policy:all_nodes', 'response_policy:all_succeeded'];
  return [
    {
      ...common,
      name: 'debug',
      since: '3.2.0',
      summary:
        'Sets how the scripts that follow are debugged. There is no debugger here: the next EVAL says so.',
      complexity: 'O(1)',
      syntax: '<YES | SYNC | NO>',
      flags: ['noscript'],
      handler: (call) => debugScripts(call, runner()),
    },
    {
      ...common,
      name: 'exists',
      since: '2.6.0',
      summary: 'Tells which scripts the server knows.',
      complexity: 'O(N) with N being the number of scripts to check.',
      syntax: 'sha1 [sha1 ...]',
      flags: ['noscript'],
      tips: ['request_policy:all_shards', 'response_policy:agg_logical_and'],
      handler: exists,
    },
    {
      ...common,
      name: 'flush',
      since: '2.6.0',
      summary: 'Forgets all scripts.',
      complexity: 'O(N) with N being the number of scripts in cache',
      syntax: '[ASYNC | SYNC]',
      history: [['6.2.0', 'Modes `ASYNC` and `SYNC`.']],
      flags: ['noscript'],
      tips,
      handler: flush,
    },
    {
      ...common,
      name: 'kill',
      since: '2.6.0',
      summary: 'Ends the script that runs, if it has not written anything.',
      complexity: 'O(1)',
      syntax: '',
      flags: ['noscript', 'allow_busy'],
      tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
      handler: (call) => kill(call, runner(), 'script'),
    },
    {
      ...common,
      name: 'load',
      since: '2.6.0',
      summary: 'Makes a script known to the server and returns its SHA1 digest.',
      complexity: 'O(N) with N being the length in bytes of the script body.',
      syntax: 'script',
      flags: ['noscript', 'stale'],
      tips,
      handler: ({ server, args, reply }) => reply.text(server.scripting.load(args[2], false).sha),
    },
    { ...helpSubcommand('scripting', '5.0.0'), categories: ['scripting'] },
  ];
}

/** Reads the number of keys. Throws CommandError in the words of EVAL; `notNumber` is what it says of no number. */
export function readKeyCount(args: Bytes[], argc: number, notNumber: string): number {
  const { buffer, start, end } = args[2];
  let count = readSafeInteger(buffer, start, end);
  if (Number.isNaN(count)) {
    const big = parseInt64(args[2]);
    if (big === undefined) throw new CommandError(notNumber);
    count = Number(big);
  }
  if (count > argc - firstKey) throw new CommandError(errors.tooManyKeys);
  if (count < 0) throw new CommandError("ERR Number of keys can't be negative");
  return count;
}

function evalText(call: Call, runner: ScriptRunner, readOnly: boolean): void {
  if (runner.debugging.size > 0 && runner.debugging.has(call.client)) return refuseDebugging(call, runner);
  const { args, argc, server } = call;
  const keyCount = readKeyCount(args, argc, errors.notInteger);
  run(call, runner, server.scripting.load(args[1], true), keyCount, readOnly);
}

function evalSha(call: Call, runner: ScriptRunner, readOnly: boolean): void {
  if (runner.debugging.size > 0 && runner.debugging.has(call.client)) return refuseDebugging(call, runner);
  const { args, argc, server } = call;
  if (args[1].length !== digestLength) throw new CommandError(noScript);
  const keyCount = readKeyCount(args, argc, errors.notInteger);
  const script = server.scripting.scripts.find(args[1]);
  if (script === undefined) throw new CommandError(noScript);
  run(call, runner, script, keyCount, readOnly);
}

function run(call: Call, runner: ScriptRunner, script: Script, keyCount: number, readOnly: boolean): void {
  const { args, argc, server } = call;
  begin(call, runner, script.flags, readOnly);
  settle(
    call,
    runner,
    server.scripting.runScript(script, args, argc, keyCount, runner.dispatcher.accounts.mark),
  );
}

/** Makes ready to run a script with what its flags allow. Throws CommandError if they do not fit the command. */
export function begin(call: Call, runner: ScriptRunner, flags: number, readOnly: boolean): void {
  const { server } = call;
  const noWrites = (flags & ScriptFlag.noWrites) !== 0;
  if (readOnly && !noWrites && (flags & ScriptFlag.compatible) === 0) {
    throw new CommandError('ERR Can not execute a script with write flag using *_ro command.');
  }
  const staleReplica = (runner.dispatcher.gate & ServerGate.stale) !== 0;
  if (staleReplica && (flags & ScriptFlag.allowStale) === 0 && !call.client.repeats) {
    throw new CommandError(errors.staleReplica);
  }
  if (server.monitors.size > 0) showToMonitors(server, call);
  runner.caller.begin(call, readOnly || noWrites, noWrites || (flags & ScriptFlag.allowOom) !== 0);
}

/** Replies with what a script returned. If it is suspended it will do so when it is done. */
export function settle(call: Call, runner: ScriptRunner, outcome: Outcome): void {
  const { dispatcher, caller } = runner;
  const { scripting } = call.server;
  if (outcome === 'suspended') {
    return dispatcher.suspension.stop((call) => settle(call, runner, scripting.continue()));
  }
  caller.end();
  dispatcher.accounts.errorWasCounted = scripting.reply(outcome, call.reply, caller.protocol);
  call.propagateAs(); // its commands were
}

/** What is known of a script before it runs, as bits of CommandFlag. */
export function commandFlags(scriptFlags: number | undefined, usual: number): number {
  let flags = runFlags.reduce((bits, name) => bits | CommandFlag[name], CommandFlag.movablekeys);
  if (scriptFlags === undefined || (scriptFlags & ScriptFlag.compatible) !== 0) return flags | usual;
  if ((scriptFlags & ScriptFlag.allowStale) === 0) flags &= ~CommandFlag.stale;
  if ((scriptFlags & ScriptFlag.noWrites) !== 0) return flags | CommandFlag.readonly;
  flags |= CommandFlag.write;
  return (scriptFlags & ScriptFlag.allowOom) === 0 ? flags | CommandFlag.denyoom : flags;
}

function flagsOfText(args: Bytes[], argc: number, usual: number): number {
  if (argc < 2) return commandFlags(undefined, usual);
  try {
    return commandFlags(readScriptHeader(args[1].subarray()).flags, usual);
  } catch {
    return commandFlags(undefined, usual); // the command itself will say what is wrong
  }
}

function flagsOfSha(server: ServerApi, args: Bytes[], usual: number): number {
  return commandFlags(server.scripting.scripts.find(args[1])?.flags, usual);
}

/**
 * There is no debugger. A client that asks for one hears that where it would hear of its session: in the reply to the
 * next EVAL, in the form in which redis-cli --ldb shows it and ends.
 */
function debugScripts({ client, args, reply }: Call, { debugging }: ScriptRunner): void {
  if (args[2].is('yes') || args[2].is('sync')) debugging.add(client);
  else if (args[2].is('no')) debugging.delete(client);
  else throw new CommandError('ERR Use SCRIPT DEBUG YES/SYNC/NO');
  reply.ok();
}

function refuseDebugging({ client, reply }: Call, { debugging }: ScriptRunner): void {
  debugging.delete(client);
  reply.array(2);
  reply.simple('<error> There is no Lua debugger in this server. The script was not run.');
  reply.simple('<endsession>');
}

function exists({ server, args, argc, reply }: Call): void {
  reply.array(argc - 2);
  for (let i = 2; i < argc; i++) reply.integer(server.scripting.scripts.find(args[i]) === undefined ? 0 : 1);
}

function flush({ server, args, argc, reply }: Call): void {
  const valid = argc === 2 || (argc === 3 && (args[2].is('async') || args[2].is('sync')));
  if (!valid) throw new CommandError('ERR SCRIPT FLUSH only support SYNC|ASYNC option');
  server.scripting.flushScripts();
  reply.ok();
}

/** Ends the script or function that is suspended, in the next turn of the event loop. */
export function kill(call: Call, { dispatcher, caller }: ScriptRunner, kind: 'script' | 'function'): void {
  const { running } = call.server.scripting;
  if (running === undefined || !dispatcher.busy) {
    throw new CommandError('NOTBUSY No scripts in execution right now.');
  }
  if (running.kind !== kind) throw new CommandError(busyError(running.kind));
  if (caller.wrote) {
    throw new CommandError(
      'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.',
    );
  }
  running.killed = true;
  call.reply.ok();
}
