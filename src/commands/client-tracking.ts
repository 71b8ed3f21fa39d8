import type { Client } from '../clients/client.js';
import type { TrackingMode } from '../clients/tracking-state.js';
import { CommandError, errors } from '../protocol/errors.js';
import { ArgumentReader } from './arguments.js';
import type { Call, CommandFlagName, CommandSpec } from './command.js';

const always: CommandFlagName[] = ['noscript', 'loading', 'stale'];

/** The subcommands of CLIENT for clients that keep copies of values. */
export const clientTrackingSubcommands: CommandSpec[] = [
  {
    name: 'tracking',
    group: 'connection',
    since: '6.0.0',
    summary:
      'Has this connection told when keys change that it has read, or whose names begin with prefixes.',
    complexity: 'O(1). Some options may introduce additional complexity.',
    syntax:
      '<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]',
    flags: always,
    handler: track,
  },
  {
    name: 'caching',
    group: 'connection',
    since: '6.0.0',
    summary: 'Tells whether the next command of this connection reads what it will keep.',
    complexity: 'O(1)',
    syntax: '<YES | NO>',
    flags: always,
    handler: setCaching,
  },
  {
    name: 'trackinginfo',
    group: 'connection',
    since: '6.2.0',
    summary: 'Tells how this connection is told of keys that change.',
    complexity: 'O(1)',
    syntax: '',
    flags: always,
    handler: tellTracking,
  },
  {
    name: 'getredir',
    group: 'connection',
    since: '6.0.0',
    summary: 'Tells which connection gets the invalidation messages of this one.',
    complexity: 'O(1)',
    syntax: '',
    flags: always,
    handler: ({ client, reply }) => reply.integer(client.tracking?.redirect ?? -1),
  },
];

/** What CLIENT TRACKING asks for. */
interface Wanted {
  redirect: number;
  broadcast: boolean;
  optin: boolean;
  optout: boolean;
  noLoop: boolean;
  /** Latin1. */
  prefixes: string[];
}

function readOptions({ server, args, argc }: Call): Wanted {
  const options = new ArgumentReader(args, argc, 3);
  const wanted: Wanted = {
    redirect: 0,
    broadcast: false,
    optin: false,
    optout: false,
    noLoop: false,
    prefixes: [],
  };
  while (!options.done) {
    if (options.left > 1 && options.take('redirect')) {
      if (wanted.redirect !== 0)
        throw new CommandError('ERR A client can only redirect to a single other client');
      wanted.redirect = options.long();
      if (server.clients.get(wanted.redirect) === undefined)
        throw new CommandError('ERR The client ID you want redirect to does not exist');
    } else if (options.left > 1 && options.take('prefix')) wanted.prefixes.push(options.next().latin1());
    else if (options.take('bcast')) wanted.broadcast = true;
    else if (options.take('optin')) wanted.optin = true;
    else if (options.take('optout')) wanted.optout = true;
    else if (options.take('noloop')) wanted.noLoop = true;
    else throw new CommandError(errors.syntax);
  }
  return wanted;
}

function track(call: Call): void {
  const { server, client, args, reply } = call;
  const wanted = readOptions(call);
  if (args[2].is('off')) server.tracking.disable(client);
  else if (args[2].is('on')) enable(call, wanted);
  else throw new CommandError(errors.syntax);
  reply.ok();
}

function enable({ server, client }: Call, wanted: Wanted): void {
  const { prefixes, redirect, noLoop } = wanted;
  if (!wanted.broadcast && prefixes.length > 0)
    throw new CommandError('ERR PREFIX option requires BCAST mode to be enabled');
  const mode = modeOf(wanted, client.tracking?.mode);
  if (wanted.broadcast) {
    refuseOverlaps(client, prefixes);
    if (prefixes.length === 0) prefixes.push('');
  }
  server.tracking.enable(client, { mode, noLoop, redirect, prefixes: new Set(prefixes) });
}

const newMode = 'before disabling tracking for this client, and then re-enabling it with a different mode.';

function modeOf({ broadcast, optin, optout }: Wanted, before: TrackingMode | undefined): TrackingMode {
  if (before !== undefined && (before === 'broadcast') !== broadcast)
    throw new CommandError(`ERR You can't switch BCAST mode on/off ${newMode}`);
  if (broadcast && (optin || optout))
    throw new CommandError('ERR OPTIN and OPTOUT are not compatible with BCAST');
  if (optin && optout) throw new CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode");
  if ((optin && before === 'optout') || (optout && before === 'optin'))
    throw new CommandError(`ERR You can't switch OPTIN/OPTOUT mode ${newMode}`);
  if (broadcast) return 'broadcast';
  if (optin) return 'optin';
  return optout ? 'optout' : 'default';
}

/** No key may be told of twice. */
function refuseOverlaps(client: Client, prefixes: readonly string[]): void {
  const refuse = (prefix: string, what: string, other: string | undefined) => {
    if (other === undefined) return;
    const rule = 'Prefixes for a single client must not overlap.';
    throw new CommandError(`ERR Prefix '${prefix}' overlaps with ${what} prefix '${other}'. ${rule}`);
  };
  const existing = [...(client.tracking?.prefixes ?? [])];
  for (const [i, prefix] of prefixes.entries()) {
    const overlaps = (other: string) => other.startsWith(prefix) || prefix.startsWith(other);
    refuse(prefix, 'an existing', existing.find(overlaps));
    refuse(prefix, 'another provided', prefixes.slice(i + 1).find(overlaps));
  }
}

function setCaching({ client: { tracking }, args, reply }: Call): void {
  if (tracking === undefined) {
    throw new CommandError(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  }
  const yes = args[2].is('yes');
  if (!yes && !args[2].is('no')) throw new CommandError(errors.syntax);
  const [word, needed] = yes ? ['YES', 'OPTIN'] : ['NO', 'OPTOUT'];
  if (tracking.mode !== needed.toLowerCase()) {
    throw new CommandError(
      `ERR CLIENT CACHING ${word} is only valid when tracking is enabled in ${needed} mode.`,
    );
  }
  tracking.cachingGiven = true;
  reply.ok();
}

function tellTracking({ client: { tracking }, reply }: Call): void {
  const flags = [tracking === undefined ? 'off' : 'on'];
  if (tracking !== undefined) {
    const { mode, cachingGiven, noLoop, redirectBroken } = tracking;
    if (mode === 'broadcast') flags.push('bcast');
    else if (mode !== 'default') flags.push(mode);
    if (cachingGiven && mode === 'optin') flags.push('caching-yes');
    if (cachingGiven && mode === 'optout') flags.push('caching-no');
    if (noLoop) flags.push('noloop');
    if (redirectBroken) flags.push('broken_redirect');
  }
  reply.map(3);
  reply.text('flags');
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text('redirect');
  reply.integer(tracking?.redirect ?? -1);
  reply.text('prefixes');
  const prefixes = [...(tracking?.prefixes ?? [])].sort();
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.text(prefix);
}
