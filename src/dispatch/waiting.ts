import type { Bytes } from '../bytes/bytes.js';
import type { BlockedState, Client } from '../clients/client.js';
import type { Database } from '../keyspace/database.js';

/**
 * Clients that wait for keys (blocking commands), by database and key, in order of arrival; and the keys that
 * were touched since they were last served.
 */
export class WaitingClients {
  private readonly byDatabase = new Map<Database, Map<string, Set<Client>>>();
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
    let keys = this.byDatabase.get(state.database);
    if (keys === undefined) this.byDatabase.set(state.database, (keys = new Map()));
    for (const key of state.keys) {
      const clients = keys.get(key);
      if (clients === undefined) keys.set(key, new Set([client]));
      else clients.add(client);
    }
    if (state.deadline !== Number.POSITIVE_INFINITY) this.pushDeadline(state.deadline, client, state);
  }

  /** The client's own script lets others have their turn: nothing it sent is run meanwhile. It does not count as waiting. */
  holdForScript(client: Client): void {
    client.blocked = {
      kind: 'script',
      database: client.database,
      keys: [],
      type: undefined,
      evenWhenGone: false,
      args: [],
      deadline: Number.POSITIVE_INFINITY,
      onTimeout: () => {},
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
    const keys = this.byDatabase.get(state.database);
    for (const key of state.keys) {
      const clients = keys?.get(key);
      clients?.delete(client);
      if (clients?.size === 0) keys?.delete(key);
    }
  }

  /** A key changed; if somebody waits for it, it will be in the next `takeReady`. */
  touched(database: Database, key: Bytes): void {
    const keys = this.byDatabase.get(database);
    if (keys === undefined || keys.size === 0) return;
    const name = key.latin1();
    if (keys.has(name)) this.markReady(database, name);
  }

  /** All keys of a database may have changed (SWAPDB), or are about to go (FLUSHALL). */
  touchedAll(database: Database): void {
    for (const key of this.byDatabase.get(database)?.keys() ?? []) this.markReady(database, key);
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
    const clients = this.byDatabase.get(database)?.get(key);
    return clients === undefined ? [] : [...clients].sort((a, b) => a.blocked!.ticket - b.blocked!.ticket);
  }

  /** Keys with waiting clients, for INFO. */
  get keyCount(): number {
    let sum = 0;
    for (const keys of this.byDatabase.values()) sum += keys.size;
    return sum;
  }

  /** Keys that somebody waits for who is to hear if they are gone, for INFO. */
  get keyCountEvenWhenGone(): number {
    let sum = 0;
    for (const keys of this.byDatabase.values()) {
      for (const clients of keys.values())
        if ([...clients].some(({ blocked }) => blocked?.evenWhenGone)) sum++;
    }
    return sum;
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
