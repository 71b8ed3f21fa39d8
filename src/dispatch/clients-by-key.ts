import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Database } from '../keyspace/database.js';

/** Clients that have to do with keys: that wait for them, or watch them. Keys are latin1 strings. */
export class ClientsByKey {
  private readonly byDatabase = new Map<Database, Map<string, Set<Client>>>();

  /** False if the client was there already. */
  add(client: Client, database: Database, key: string): boolean {
    let keys = this.byDatabase.get(database);
    if (keys === undefined) this.byDatabase.set(database, (keys = new Map()));
    let clients = keys.get(key);
    if (clients === undefined) keys.set(key, (clients = new Set()));
    const before = clients.size;
    return clients.add(client).size > before;
  }

  remove(client: Client, database: Database, key: string): void {
    const keys = this.byDatabase.get(database);
    const clients = keys?.get(key);
    clients?.delete(client);
    if (clients?.size === 0) keys?.delete(key);
  }

  /**
   * The name of a key that somebody has to do with; undefined for all others. Hot: keys without clients cost no
   * string.
   */
  nameOf(database: Database, key: Bytes): string | undefined {
    const keys = this.byDatabase.get(database);
    if (keys === undefined || keys.size === 0) return undefined;
    const name = key.latin1();
    return keys.has(name) ? name : undefined;
  }

  /** In the order in which they came. */
  clientsOf(database: Database, key: string): Iterable<Client> {
    return this.byDatabase.get(database)?.get(key) ?? [];
  }

  /** The keys of a database that somebody has to do with. */
  keysOf(database: Database): Iterable<string> {
    return this.byDatabase.get(database)?.keys() ?? [];
  }

  /** The clients of each key, of all databases. */
  *groups(): Iterable<ReadonlySet<Client>> {
    for (const keys of this.byDatabase.values()) yield* keys.values();
  }
}
