import type { Bytes } from '../bytes/bytes.js';
import { busyError, CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader, integerArgument, longArgument } from './arguments.js';
import type { Call, CommandSpec } from './command.js';
import { nightLandscape } from './lolwut.js';
import { redisVersion, type ShutdownRequest } from './server-api.js';

export const serverCommands: CommandSpec[] = [
  {
    name: 'shutdown',
    group: 'server',
    since: '1.0.0',
    summary: 'Saves the data set, if it is to be saved, and ends the server.',
    complexity:
      'O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)',
    syntax: '[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]',
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    history: [['7.0.0', 'Options `NOW`, `FORCE` and `ABORT`.']],
    handler: shutdown,
  },
  {
    name: 'lolwut',
    group: 'server',
    since: '5.0.0',
    summary: 'Draws a picture of a night in the hills, another one each time, and tells the version.',
    complexity: 'O(1)',
    syntax: '[VERSION version] [columns [rows]]',
    types: { columns: 'integer', rows: 'integer' },
    arity: -1,
    flags: ['readonly', 'fast'],
    handler: lolwut,
  },
];

function shutdown(call: Call): void {
  const { server, args, argc, reply } = call;
  if (call.outcome !== undefined) return replyToShutdown(call.outcome === true);
  const options = new ArgumentReader(args, argc, 1);
  if (argc === 2 && options.take('abort')) {
    if (!server.abortShutdown()) throw new CommandError('ERR No shutdown in progress.');
    return reply.ok();
  }
  const request = readShutdown(options);
  const { running } = server.scripting;
  if (running !== undefined && request.save !== 'nosave') throw new CommandError(busyError(running.kind));
  const outcome = server.shutdown(request);
  if (typeof outcome === 'boolean') replyToShutdown(outcome);
  else call.waitFor(outcome);
}

/** A server that ends says nothing. */
function replyToShutdown(ends: boolean): void {
  if (!ends) throw new CommandError('ERR Errors trying to SHUTDOWN. Check logs.');
}

function readShutdown(options: ArgumentReader): ShutdownRequest {
  const request: ShutdownRequest = { save: 'default', now: false, force: false };
  while (!options.done) {
    if (options.take('nosave') && request.save !== 'save') request.save = 'nosave';
    else if (options.take('save') && request.save !== 'nosave') request.save = 'save';
    else if (options.take('now')) request.now = true;
    else if (options.take('force')) request.force = true;
    else throw new CommandError(errors.syntax);
  }
  return request;
}

const defaultColumns = 64;
const defaultRows = 16;

function lolwut({ server, args, argc, reply }: Call): void {
  const options = new ArgumentReader(args, argc, 1);
  if (options.left >= 2 && options.take('version')) checkNumbers(args, argc, options.long());
  const columns = size(options, defaultColumns, 160);
  const rows = size(options, defaultRows, 60);
  const picture = nightLandscape(server.random, columns, rows);
  reply.verbatim('txt', `${picture}\nRespite ver. ${server.version}, Redis ver. ${redisVersion}\n`);
}

/**
 * How many arguments the drawings of Redis 5 and 6 took: a client that asks for one of these must give
 * numbers.
 */
const argumentsOfVersion = new Map([
  [5, 3],
  [6, 2],
]);

function checkNumbers(args: Bytes[], argc: number, version: number): void {
  const count = argumentsOfVersion.get(version) ?? 0;
  for (const argument of args.slice(3, Math.min(3 + count, argc))) longArgument(argument);
}

/**
 * The next argument, brought between 1 and `most`; whatever is no number is ignored, as the joke deserves.
 */
function size(options: ArgumentReader, fallback: number, most: number): number {
  if (options.done) return fallback;
  try {
    return Math.min(Math.max(integerArgument(options.next()), 1), most);
  } catch {
    return fallback;
  }
}
