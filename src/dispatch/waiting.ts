import type { Bytes } from '../bytes/bytes.js';
import type { BlockedState, Client } from '../clients/client.js';
import type { Database } from '../keyspace/database.js';
import { ClientsByKey } from './clients-by-key.js';

/** What is told to a blocked client, and when. */
export type Waiting = Pick<BlockedState, 'keys' | 'type' | 'evenWhenGone' | 'deadline' | 'onTimeout'>;

/** Nothing that can be given by a key, and nobody gives up. */
export const noKeys: Waiting = {
  keys: [],
  type: undefined,
  evenWhenGone: false,
  deadline: Number.POSITIVE_INFINITY,
  onTimeout: () => {},
};

/**
 * Clients that wait for keys (blocking commands), by database and key, in order of arrival; and the keys that
 * were touched since they were last served.
 */
export class WaitingClients {
  private readonly clients = new ClientsByKey();
  private ready = new Map<Database, Set<string>>();
  private readonly deadlines: { at: number; client: Client; state: BlockedState }[] = [];
  private tickets = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  nextTicket(): number {
    return ++this.tickets;
  }

  add(client: Client, state: BlockedState): void {
    client.blocked = state;
    this.count++;
    for (const key of state.keys) this.clients.add(client, state.database, key);
    if (state.deadline !== Number.POSITIVE_INFINITY) this.pushDeadline(state.deadline, client, state);
  }

  /**
   * The client's own script lets others have their turn: nothing it sent is run meanwhile. It does not count as
   * waiting.
   */
  holdForScript(client: Client): void {
    client.blocked = {
      ...noKeys,
      kind: 'script',
      database: client.database,
      args: [],
      sent: undefined,
      microseconds: 0,
      ticket: 0,
    };
  }

  remove(client: Client): void {
    const state = client.blocked;
    if (state === undefined) return;
    client.blocked = undefined;
    if (state.kind === 'script') return;
    this.count--;
    for (const key of state.keys) this.clients.remove(client, state.database, key);
  }

  /** A key changed; if somebody waits for it, it will be in the next `takeReady`. */
  touched(database: Database, key: Bytes): void {
    const name = this.clients.nameOf(database, key);
    if (name !== undefined) this.markReady(database, name);
  }

  /** All keys of a database may have changed (SWAPDB), or are about to go (FLUSHALL). */
  touchedAll(database: Database): void {
    for (const key of this.clients.keysOf(database)) this.markReady(database, key);
  }

  private markReady(database: Database, key: string): void {
    const set = this.ready.get(database);
    if (set === undefined) this.ready.set(database, new Set([key]));
    else set.add(key);
  }

  get hasReady(): boolean {
    return this.ready.size > 0;
  }

  /** The keys that were touched, in the order in which they were. */
  takeReady(): [Database, string][] {
    const taken: [Database, string][] = [];
    for (const [database, keys] of this.ready) for (const key of keys) taken.push([database, key]);
    this.ready = new Map();
    return taken;
  }

  /** Clients that wait for a key, those that came first in front. A copy. */
  waitingFor(database: Database, key: string): Client[] {
    const clients = [...this.clients.clientsOf(database, key)];
    return clients.sort((a, b) => a.blocked!.ticket - b.blocked!.ticket);
  }

  /** Keys with waiting clients, for INFO. */
  get keyCount(): number {
    return [...this.clients.groups()].length;
  }

  /** Keys that somebody waits for who is to hear if they are gone, for INFO. */
  get keyCountEvenWhenGone(): number {
    const told = (clients: ReadonlySet<Client>) => [...clients].some(({ blocked }) => blocked?.evenWhenGone);
    return [...this.clients.groups()].filter(told).length;
  }

  /** The earliest time in unix ms at which somebody gives up, or Infinity. */
  get nextDeadline(): number {
    this.dropStale();
    return this.deadlines.length > 0 ? this.deadlines[0].at : Number.POSITIVE_INFINITY;
  }

  /** Clients whose time is up, earliest first. They stay blocked until removed. */
  takeOverdue(now: number): Client[] {
    const overdue: Client[] = [];
    for (;;) {
      this.dropStale();
      if (this.deadlines.length === 0 || this.deadlines[0].at > now) return overdue;
      overdue.push(this.popDeadline().client);
    }
  }

  /** The heap keeps entries of clients that were served; they are dropped when they come up. */
  private dropStale(): void {
    while (this.deadlines.length > 0 && this.deadlines[0].client.blocked !== this.deadlines[0].state)
      this.popDeadline();
  }

  private pushDeadline(at: number, client: Client, state: BlockedState): void {
    const heap = this.deadlines;
    let child = heap.push({ at, client, state }) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent].at <= heap[child].at) break;
      [heap[parent], heap[child]] = [heap[child], heap[parent]];
      child = parent;
    }
  }

  private popDeadline(): { at: number; client: Client; state: BlockedState } {
    const heap = this.deadlines;
    const top = heap[0];
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      let parent = 0;
      for (;;) {
        const left = parent * 2 + 1;
        if (left >= heap.length) break;
        const right = left + 1;
        const child = right < heap.length && heap[right].at < heap[left].at ? right : left;
        if (heap[parent].at <= heap[child].at) break;
        [heap[parent], heap[child]] = [heap[child], heap[parent]];
        parent = child;
      }
    }
    return top;
  }
}
