import type { Bytes } from '../bytes/bytes.js';
import { type Client, Gate } from '../clients/client.js';
import type { ClientRegistry } from '../clients/registry.js';
import type { TrackingState } from '../clients/tracking-state.js';
import { BrokenRedirection, Invalidation } from './invalidation.js';
import type { PubSub } from './pubsub.js';

/** Bytes of all names that are remembered, at most: clients may ask for keys that are not there, of any length. */
export const mostNameBytes = 128 * 1024 * 1024;
/** About what remembering a key costs beside its name, and what each client does that has read it. Measured. */
const keyBytes = 300;
const readerBytes = 50;

/** The keys beginning with a prefix that were changed since that was last told, and by whom if by a command. */
type Changes = Map<string, Client | undefined>;

/** Those who are told of all keys that begin with the same. */
interface Broadcast {
  readonly clients: Set<Client>;
  readonly changes: Changes;
}

/**
 * Tells clients that keep copies of values which of them changed (client side caching). Of a client in the default
 * mode it is remembered which keys it read, and it is told once of each; one in mode `broadcast` is told of all keys
 * with its prefixes, and nothing is remembered. Names count, in whichever database, as in Redis.
 */
export class ClientTracking {
  /** Keys that are remembered at most; 0 for no limit (`tracking-table-max-keys`). */
  mostKeys = 0;
  private readonly tracking = new Set<Client>();
  /** By key (latin1) the ids of the clients that read it. The key that was read first comes first. */
  private readonly readers = new Map<string, Set<number>>();
  private items = 0;
  private nameBytes = 0;
  /** By id, how many clients have another one told in their place. */
  private readonly redirections = new Map<number, number>();
  private readonly broadcasts = new Map<string, Broadcast>();
  private changed = false;

  constructor(
    private readonly clients: ClientRegistry,
    private readonly pubsub: PubSub,
    /** Called when `active` may have changed. */
    private readonly onActive: () => void,
  ) {}

  /** Somebody wants to hear of changes. */
  get active(): boolean {
    return this.tracking.size > 0;
  }

  get clientCount(): number {
    return this.tracking.size;
  }

  get keyCount(): number {
    return this.readers.size;
  }

  /** Pairs of a key and a client that read it. */
  get itemCount(): number {
    return this.items;
  }

  /** Bytes of memory that remembering takes. */
  get bytes(): number {
    return this.nameBytes + this.readers.size * keyBytes + this.items * readerBytes;
  }

  get prefixCount(): number {
    return this.broadcasts.size;
  }

  /** Begins to track for a client, or goes on in another way. The prefixes are added to those that it has. */
  enable(client: Client, wanted: Pick<TrackingState, 'mode' | 'noLoop' | 'redirect' | 'prefixes'>): void {
    const before = client.tracking;
    const prefixes = new Set([...(before?.prefixes ?? []), ...wanted.prefixes]);
    const prefixBytes = [...prefixes].reduce((sum, prefix) => sum + prefix.length, 0);
    const cachingGiven = before?.cachingGiven ?? false;
    client.tracking = { ...wanted, prefixes, prefixBytes, redirectBroken: false, cachingGiven };
    this.tracking.add(client);
    for (const prefix of prefixes) this.broadcastTo(client, prefix);
    this.countRedirection(wanted.redirect, 1);
    if (before !== undefined) this.countRedirection(before.redirect, -1);
    this.updateGate(client);
    this.onActive();
  }

  private broadcastTo(client: Client, prefix: string): void {
    const broadcast = this.broadcasts.get(prefix);
    if (broadcast !== undefined) broadcast.clients.add(client);
    else this.broadcasts.set(prefix, { clients: new Set([client]), changes: new Map() });
  }

  private countRedirection(id: number, change: 1 | -1): void {
    if (id === 0) return;
    const count = (this.redirections.get(id) ?? 0) + change;
    if (count > 0) this.redirections.set(id, count);
    else this.redirections.delete(id);
    const told = this.clients.get(id);
    if (told !== undefined) this.updateGate(told);
  }

  /** A client that may be told something at any time goes the slow way through the dispatcher; another one does not. */
  private updateGate(client: Client): void {
    client.setGate(Gate.invalidated, client.tracking !== undefined || this.redirections.has(client.id));
  }

  /** The client keeps no copies any more. What it read is forgotten when it changes, or when nobody is left. */
  disable(client: Client): void {
    const { tracking } = client;
    if (tracking === undefined) return;
    client.tracking = undefined;
    this.tracking.delete(client);
    for (const prefix of tracking.prefixes) {
      const broadcast = this.broadcasts.get(prefix)!;
      broadcast.clients.delete(client);
      if (broadcast.clients.size === 0) this.broadcasts.delete(prefix);
    }
    this.countRedirection(tracking.redirect, -1);
    this.updateGate(client);
    if (!this.active) this.forgetReaders();
    this.onActive();
  }

  private forgetReaders(): void {
    this.readers.clear();
    this.items = this.nameBytes = 0;
  }

  /** A client has read keys, of which it keeps copies unless CLIENT CACHING or its mode says otherwise. */
  remember(client: Client, keys: readonly Bytes[]): void {
    const { mode, cachingGiven } = client.tracking!;
    if (mode === 'broadcast' || (mode === 'optin' && !cachingGiven) || (mode === 'optout' && cachingGiven))
      return;
    for (const key of keys) {
      const name = key.latin1();
      let ids = this.readers.get(name);
      if (ids === undefined) {
        this.readers.set(name, (ids = new Set()));
        this.nameBytes += name.length;
      }
      const { size } = ids;
      this.items += ids.add(client.id).size - size;
    }
    this.enforceLimit();
  }

  /** Forgets the keys that are too many; whoever read them is told as if they had changed. */
  enforceLimit(): void {
    const { readers } = this;
    const mostKeys = this.mostKeys || Number.POSITIVE_INFINITY;
    for (const name of readers.keys()) {
      if (readers.size <= mostKeys && this.nameBytes <= mostNameBytes) return;
      this.invalidate(name, undefined);
    }
  }

  /** A key was changed: by the command of a client, or because its time had come or memory was short. */
  keyModified(key: Bytes, by: Client | undefined): void {
    if (this.readers.size === 0 && this.broadcasts.size === 0) return;
    const name = key.latin1();
    for (const [prefix, { changes }] of this.broadcasts) {
      if (!name.startsWith(prefix)) continue;
      changes.set(name, by);
      this.changed = true;
    }
    this.invalidate(name, by);
  }

  private invalidate(name: string, by: Client | undefined): void {
    const ids = this.readers.get(name);
    if (ids === undefined) return;
    this.readers.delete(name);
    this.nameBytes -= name.length;
    this.items -= ids.size;
    for (const id of ids) {
      const client = this.clients.get(id);
      if (client?.tracking === undefined || client.tracking.mode === 'broadcast') continue;
      if (client !== by || !client.tracking.noLoop) this.tell(client, [name]);
    }
  }

  /** All keys of a database are about to go, or of all: every copy is taken to be out of date. */
  flushed(): void {
    this.forgetReaders();
    for (const client of this.tracking) this.tell(client, undefined);
  }

  /**
   * Tells those in mode `broadcast` what changed. To be called after each batch of requests, and of work that no
   * request caused.
   */
  broadcast(): void {
    if (!this.changed) return;
    this.changed = false;
    for (const prefix of [...this.broadcasts.keys()].sort()) {
      const { clients, changes } = this.broadcasts.get(prefix)!;
      if (changes.size === 0) continue;
      const all = [...changes.keys()].sort();
      for (const client of clients) {
        const keys = client.tracking!.noLoop ? all.filter((key) => changes.get(key) !== client) : all;
        if (keys.length > 0) this.tell(client, keys);
      }
      changes.clear();
    }
  }

  /** Tells a client that keys have changed, or all. In RESP2 only those can be told who are subscribed, for others. */
  private tell(client: Client, keys: string[] | undefined): void {
    if (client.closing) return;
    const tracking = client.tracking!;
    const { redirect } = tracking;
    const told = redirect === 0 ? client : this.clients.get(redirect);
    if (told === undefined || told.closing) {
      tracking.redirectBroken = true;
      if (client.reply.protocol === 3) this.pubsub.sendTo(client, new BrokenRedirection(redirect));
    } else if (told.reply.protocol === 3 || (redirect !== 0 && (told.gate & Gate.subscriber) !== 0)) {
      this.pubsub.sendTo(told, new Invalidation(keys));
    }
  }
}
