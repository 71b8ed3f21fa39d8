import type { Bytes } from '../bytes/bytes.js';
import { type Client, Gate, Subscriptions } from '../clients/client.js';
import { Message, type Outgoing } from './message.js';
import { PatternIndex } from './pattern-index.js';

/** What one can subscribe to. */
export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

/** Channels and who listens. Names are latin1. */
class Channels {
  private readonly byName = new Map<string, Set<Client>>();

  get size(): number {
    return this.byName.size;
  }

  names(): IterableIterator<string> {
    return this.byName.keys();
  }

  subscribers(name: string): ReadonlySet<Client> | undefined {
    return this.byName.get(name);
  }

  add(name: string, client: Client): void {
    const clients = this.byName.get(name);
    if (clients === undefined) this.byName.set(name, new Set([client]));
    else clients.add(client);
  }

  remove(name: string, client: Client): void {
    const clients = this.byName.get(name);
    clients?.delete(client);
    if (clients?.size === 0) this.byName.delete(name);
  }
}

/**
 * Who is subscribed to what, and the delivery of messages. Nothing is stored: a message goes to those who
 * listen now. The messages of one publisher reach each subscriber in the order in which they were published.
 */
export class PubSub {
  readonly channels = new Channels();
  readonly shardChannels = new Channels();
  readonly patterns = new PatternIndex<Client>();
  /**
   * The client whose command is running, if it may be sent messages. What it sends to itself is held back, for in the
   * middle of its reply it could not be told from a part of it.
   */
  private running: Client | undefined;
  private held: { client: Client; message: Outgoing }[] = [];

  constructor(
    /** Makes sure that what was written for a client is sent when the present turn of the event loop ends. */
    private readonly onDelivery: (client: Client) => void,
  ) {}

  /** True if no message published to a channel would reach anybody. */
  get idle(): boolean {
    return this.channels.size === 0 && this.patterns.size === 0;
  }

  /** Subscribes a client to a channel or pattern (latin1). False if it was already. */
  subscribe(client: Client, kind: SubscriptionKind, name: string): boolean {
    const subscriptions = (client.subscriptions ??= new Subscriptions());
    const own = subscriptions[kind];
    if (own.has(name)) return false;
    own.add(name);
    subscriptions.nameBytes += name.length;
    this.registryOf(kind).add(name, client);
    client.setGate(Gate.subscriber, true);
    return true;
  }

  /** Takes a subscription back. False if there was none. */
  unsubscribe(client: Client, kind: SubscriptionKind, name: string): boolean {
    const { subscriptions } = client;
    if (subscriptions === undefined || !subscriptions[kind].delete(name)) return false;
    subscriptions.nameBytes -= name.length;
    this.registryOf(kind).remove(name, client);
    if (subscriptions.size === 0) {
      client.subscriptions = undefined;
      client.setGate(Gate.subscriber, false);
    }
    return true;
  }

  /** Takes back all subscriptions of a client. */
  forget(client: Client): void {
    this.takeHeld(client);
    const { subscriptions } = client;
    if (subscriptions === undefined) return;
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of subscriptions[kind]) this.registryOf(kind).remove(name, client);
    }
    client.subscriptions = undefined;
    client.setGate(Gate.subscriber, false);
  }

  private registryOf(kind: SubscriptionKind): Channels | PatternIndex<Client> {
    if (kind === 'pattern') return this.patterns;
    return kind === 'channel' ? this.channels : this.shardChannels;
  }

  /**
   * Sends a message to the subscribers of the channel and of the patterns that match it. Returns how many
   * times it was delivered. Costs one encoding, and one more for each pattern that matches.
   */
  publish(channel: Bytes, payload: Bytes): number {
    let receivers = 0;
    const subscribers = this.channels.size === 0 ? undefined : this.channels.subscribers(channel.latin1());
    if (subscribers !== undefined) {
      receivers += this.deliver(Message.of('message', channel, payload), subscribers);
    }
    this.patterns.forEachMatch(channel, (entry) => {
      const message = Message.of('pmessage', entry.pattern, channel, payload);
      receivers += this.deliver(message, entry.subscribers);
    });
    return receivers;
  }

  /** Sends a message to the subscribers of a shard channel. Returns how many there are. */
  publishToShard(channel: Bytes, payload: Bytes): number {
    const subscribers = this.shardChannels.subscribers(channel.latin1());
    if (subscribers === undefined) return 0;
    return this.deliver(Message.of('smessage', channel, payload), subscribers);
  }

  private deliver(message: Message, subscribers: ReadonlySet<Client>): number {
    for (const client of subscribers) this.sendTo(client, message);
    return subscribers.size;
  }

  /**
   * Sends something to a client; if a command of that client is running, or stopped in its middle, when its reply is
   * written.
   */
  sendTo(client: Client, message: Outgoing): void {
    if (client === this.running || isStopped(client)) this.held.push({ client, message });
    else this.send(message, client);
  }

  /** Also if the client's replies are muted: a message is no reply. */
  private send(message: Outgoing, client: Client): void {
    const { reply } = client;
    const { muted } = reply;
    reply.muted = false;
    message.appendTo(reply);
    reply.muted = muted;
    this.onDelivery(client);
  }

  /** The command of a client begins that may be sent messages: those to that client wait until `endOfCommand`. */
  beginCommand(client: Client): void {
    this.running = client;
  }

  /** The command is over and its reply written: what is for its own client follows. */
  endOfCommand(): void {
    const { running } = this;
    this.running = undefined;
    if (running !== undefined) this.sendHeld(running);
  }

  /** Sends what waited for a client's reply, which is written. */
  sendHeld(client: Client): void {
    if (isStopped(client)) return;
    for (const { message } of this.takeHeld(client)) this.send(message, client);
  }

  private takeHeld(client: Client): { message: Outgoing }[] {
    const { held } = this;
    if (held.length === 0) return held;
    this.held = held.filter((each) => each.client !== client);
    return held.filter((each) => each.client === client);
  }
}

/** The reply to a script, or to an EXEC with one, may be half written. */
function isStopped({ blocked }: Client): boolean {
  return blocked?.kind === 'script';
}
