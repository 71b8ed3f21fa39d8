import { Bytes } from '../bytes/bytes.js';
import { globMatch, isLiteral } from '../bytes/glob.js';
import type { Client } from '../clients/client.js';
import { CommandError, wrongSubcommand } from '../protocol/errors.js';
import type { ReplyWriter } from '../protocol/reply-writer.js';
import type { SubscriptionKind } from '../pubsub/pubsub.js';
import { type Call, type CommandFlagName, type CommandSpec, manyKeys, oneKey } from './command.js';
import { helpSubcommand } from './help.js';

const subscribing: CommandFlagName[] = ['pubsub', 'noscript', 'loading', 'stale'];
const publishing: CommandFlagName[] = ['pubsub', 'loading', 'stale', 'fast', 'may_replicate'];
const asking: CommandFlagName[] = ['pubsub', 'loading', 'stale'];

const subcommands: CommandSpec[] = [
  {
    name: 'channels',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Lists the channels that somebody is subscribed to.',
    complexity: 'O(N) where N is the number of active channels, and assuming constant time pattern matching',
    syntax: '[pattern]',
    flags: asking,
    handler: (call) => listChannels(call, call.server.pubsub.channels),
  },
  {
    name: 'numpat',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Counts the different patterns that somebody is subscribed to.',
    complexity: 'O(1)',
    syntax: '',
    flags: asking,
    handler: ({ server, reply }) => reply.integer(server.pubsub.patterns.size),
  },
  {
    name: 'numsub',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Counts the subscribers of channels, those of patterns left out.',
    complexity: 'O(N) for the NUMSUB subcommand, where N is the number of requested channels',
    syntax: '[channel [channel ...]]',
    flags: asking,
    handler: (call) => countSubscribers(call, call.server.pubsub.channels),
  },
  {
    name: 'shardchannels',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Lists the shard channels that somebody is subscribed to.',
    complexity:
      'O(N) where N is the number of active shard channels, and assuming constant time pattern matching',
    syntax: '[pattern]',
    flags: asking,
    handler: (call) => listChannels(call, call.server.pubsub.shardChannels),
  },
  {
    name: 'shardnumsub',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Counts the subscribers of shard channels.',
    complexity: 'O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels',
    syntax: '[shardchannel [shardchannel ...]]',
    flags: asking,
    handler: (call) => countSubscribers(call, call.server.pubsub.shardChannels),
  },
  helpSubcommand('pubsub', '6.2.0'),
];

export const pubsubCommands: CommandSpec[] = [
  {
    name: 'subscribe',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Listens to the messages of channels.',
    complexity: 'O(N) where N is the number of channels to subscribe to.',
    syntax: 'channel [channel ...]',
    flags: subscribing,
    handler: (call) => subscribe(call, 'channel'),
  },
  {
    name: 'psubscribe',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Listens to the messages of all channels that match patterns.',
    complexity: 'O(N) where N is the number of patterns to subscribe to.',
    syntax: 'pattern [pattern ...]',
    flags: subscribing,
    handler: (call) => subscribe(call, 'pattern'),
  },
  {
    name: 'ssubscribe',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Listens to the messages of shard channels.',
    complexity: 'O(N) where N is the number of shard channels to subscribe to.',
    syntax: 'shardchannel [shardchannel ...]',
    flags: subscribing,
    keys: manyKeys('not_key'),
    handler: subscribeToShard,
  },
  {
    name: 'unsubscribe',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Stops listening to channels: the given ones, or all.',
    complexity: 'O(N) where N is the number of channels to unsubscribe.',
    syntax: '[channel [channel ...]]',
    flags: subscribing,
    handler: (call) => unsubscribe(call, 'channel'),
  },
  {
    name: 'punsubscribe',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Stops listening to patterns: the given ones, or all.',
    complexity: 'O(N) where N is the number of patterns to unsubscribe.',
    syntax: '[pattern [pattern ...]]',
    flags: subscribing,
    handler: (call) => unsubscribe(call, 'pattern'),
  },
  {
    name: 'sunsubscribe',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Stops listening to shard channels: the given ones, or all.',
    complexity: 'O(N) where N is the number of shard channels to unsubscribe.',
    syntax: '[shardchannel [shardchannel ...]]',
    flags: subscribing,
    keys: manyKeys('not_key'),
    handler: (call) => unsubscribe(call, 'shard'),
  },
  {
    name: 'publish',
    group: 'pubsub',
    since: '2.0.0',
    summary: 'Sends a message to all who listen to a channel.',
    complexity:
      'O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of ' +
      'subscribed patterns (by any client).',
    syntax: 'channel message',
    flags: publishing,
    handler(call) {
      const { server, args, reply } = call;
      if (call.propagates) call.propagateToReplicas();
      reply.integer(server.pubsub.publish(args[1], args[2]));
    },
  },
  {
    name: 'spublish',
    group: 'pubsub',
    since: '7.0.0',
    summary: 'Sends a message to all who listen to a shard channel.',
    complexity: 'O(N) where N is the number of clients subscribed to the receiving shard channel.',
    syntax: 'shardchannel message',
    flags: publishing,
    keys: oneKey('not_key'),
    handler(call) {
      const { server, args, reply } = call;
      if (call.propagates) call.propagateToReplicas();
      reply.integer(server.pubsub.publishToShard(args[1], args[2]));
    },
  },
  {
    name: 'pubsub',
    group: 'pubsub',
    since: '2.8.0',
    summary: 'Commands that tell about subscriptions.',
    complexity: 'Depends on subcommand.',
    syntax: '',
    flags: [],
    subcommands,
  },
];

/** First words of the replies, by kind. */
const words: Record<SubscriptionKind, { on: string; off: string }> = {
  channel: { on: 'subscribe', off: 'unsubscribe' },
  pattern: { on: 'psubscribe', off: 'punsubscribe' },
  shard: { on: 'ssubscribe', off: 'sunsubscribe' },
};

/** The number that confirmations tell: channels and patterns together, shard channels by themselves. */
function countOf({ subscriptions }: Client, kind: SubscriptionKind): number {
  if (subscriptions === undefined) return 0;
  const { channel, pattern, shard } = subscriptions;
  return kind === 'shard' ? shard.size : channel.size + pattern.size;
}

/** One confirmation. It is a message rather than a reply, so it comes also when replies are switched off. */
function confirm(reply: ReplyWriter, word: string, name: string | undefined, count: number): void {
  const { muted } = reply;
  reply.muted = false;
  reply.push(3);
  reply.text(word);
  if (name === undefined) reply.null();
  else reply.text(name);
  reply.integer(count);
  reply.muted = muted;
}

function subscribe({ server, client, args, argc, reply }: Call, kind: SubscriptionKind): void {
  // All are read before the first counts: one may be too long.
  for (const name of args.slice(1, argc).map((argument) => argument.latin1())) {
    server.pubsub.subscribe(client, kind, name);
    confirm(reply, words[kind].on, name, countOf(client, kind));
  }
}

/**
 * Channels and patterns may be subscribed to inside MULTI, because old clients do; shard channels may not.
 */
function subscribeToShard(call: Call): void {
  if (call.denyBlocking) throw new CommandError("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
  subscribe(call, 'shard');
}

function unsubscribe({ server, client, args, argc, reply }: Call, kind: SubscriptionKind): void {
  const given = args.slice(1, argc).map((name) => name.latin1());
  const names = argc > 1 ? given : [...(client.subscriptions?.[kind] ?? [])];
  for (const name of names) {
    server.pubsub.unsubscribe(client, kind, name);
    confirm(reply, words[kind].off, name, countOf(client, kind));
  }
  if (names.length === 0) confirm(reply, words[kind].off, undefined, countOf(client, kind));
}

/** The channels that commands ask about: ordinary or shard channels. */
interface KnownChannels {
  names(): Iterable<string>;
  subscribers(name: string): ReadonlySet<Client> | undefined;
}

function listChannels({ args, argc, reply }: Call, channels: KnownChannels): void {
  if (argc > 3) throw wrongSubcommand('PUBSUB', args[1]);
  const names = argc === 3 ? matching(channels, args[2]) : [...channels.names()];
  reply.array(names.length);
  for (const name of names) reply.text(name);
}

function matching(channels: KnownChannels, pattern: Bytes): string[] {
  if (isLiteral(pattern)) {
    const name = pattern.latin1();
    return channels.subscribers(name) === undefined ? [] : [name];
  }
  return [...channels.names()].filter((name) => globMatch(pattern, Bytes.of(name)));
}

function countSubscribers({ args, argc, reply }: Call, channels: KnownChannels): void {
  reply.array((argc - 2) * 2);
  for (let i = 2; i < argc; i++) {
    reply.bytes(args[i]);
    reply.integer(channels.subscribers(args[i].latin1())?.size ?? 0);
  }
}
