import { Bytes } from '../bytes/bytes.js';
import { Gate } from '../clients/client.js';
import { type PropagationSink, PropagationTarget } from '../dispatch/propagation.js';
import { absent } from '../keyspace/database.js';
import type { ReplicaHost } from './replica-host.js';

/** Keys that are looked at in one go. */
const mostAtOnce = 1000;

/**
 * Keys with an expiry that were written on a replica by its own clients (`replica-read-only no`): the primary knows
 * nothing of them, so the replica removes them itself. Hears of what changes as those who repeat changes do.
 */
export class LocalExpiry implements PropagationSink {
  readonly target = PropagationTarget.replicas;
  /** By database, in latin1. */
  private readonly keys = new Map<number, Set<string>>();
  private listening = false;

  constructor(private readonly host: ReplicaHost) {}

  /** Keys that are kept in mind. */
  get size(): number {
    let sum = 0;
    for (const keys of this.keys.values()) sum += keys.size;
    return sum;
  }

  /** From now on it listens, or does not and forgets what it knew. */
  listen(on: boolean): void {
    if (on === this.listening) return;
    this.listening = on;
    const { propagation } = this.host.loop.dispatcher;
    if (on) propagation.add(this);
    else {
      propagation.remove(this);
      this.forget();
    }
  }

  /** The data set is another one. */
  forget(): void {
    this.keys.clear();
  }

  propagate(database: number, args: readonly Bytes[], argc: number): void {
    const { loop, commands } = this.host;
    const { client } = loop.dispatcher.propagation;
    if (client === undefined || (client.gate & Gate.primary) !== 0 || database < 0) return;
    const command = commands.find(args[0]);
    if (command === undefined || command.firstKey === 0) return;
    const last = command.keyStep === 0 ? command.firstKey : argc - 1;
    for (let at = command.firstKey; at <= last; at += command.keyStep || 1) this.note(database, args[at]);
  }

  private note(index: number, key: Bytes): void {
    const database = this.host.keyspace.databases[index];
    const ref = database.peek(key);
    if (ref === absent || database.expiry(ref) < 0) return;
    let keys = this.keys.get(index);
    if (keys === undefined) this.keys.set(index, (keys = new Set()));
    keys.add(key.latin1());
  }

  /** Removes what has expired. To be called some times a second, between commands. */
  sweep(): void {
    if (this.keys.size === 0) return;
    let left = mostAtOnce;
    for (const [index, keys] of this.keys) {
      for (const key of [...keys].slice(0, left)) {
        left--;
        // What has to wait goes to the end.
        keys.delete(key);
        if (this.staysAlive(index, key)) keys.add(key);
      }
      if (keys.size === 0) this.keys.delete(index);
    }
  }

  private staysAlive(index: number, name: string): boolean {
    const database = this.host.keyspace.databases[index];
    const key = Bytes.of(name);
    const ref = database.peek(key);
    if (ref === absent || database.expiry(ref) < 0) return false;
    if (!database.isExpired(ref)) return true;
    database.removeExpired(key, ref);
    return false;
  }
}
